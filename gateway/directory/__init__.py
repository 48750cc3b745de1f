"""The offices of this node and of its peers."""
