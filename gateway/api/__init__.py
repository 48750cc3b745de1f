"""Case system <-> node: the local HTTP API on the node's socket and on loopback."""
