"""What people and programs may ask about the keys of this node."""
