"""Making, saving, restoring and examining a node."""
