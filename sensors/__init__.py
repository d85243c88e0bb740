"""What wakes a run. A sensor asks one indexed query, calls nobody, and says why when there is nothing to do."""
