"""The commands of `tieout`, a module for each thing a person comes to do."""
