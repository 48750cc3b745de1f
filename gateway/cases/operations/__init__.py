"""What people and local programs may ask of a node about cases."""
