"""Who this node is: its descriptor chain, its keys, their publication."""
