"""Keys that are never on the node: roots, recovery, administrators."""
