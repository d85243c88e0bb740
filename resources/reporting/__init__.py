"""One page on each reconciliation: what it says, as PDF and HTML for people, as JSON and CSV for machines."""
