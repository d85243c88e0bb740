"""What one stage does for one connection, in plain Python: pull, census, merge, reconcile. Dagster only calls it."""
