"""Every part of a node, each made with what it uses."""
