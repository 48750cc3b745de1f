"""Trust between two nodes: changes, records, reset of a link, ping."""
