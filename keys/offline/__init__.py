"""Keys that never lie on the node: roots, recovery, administrators."""
