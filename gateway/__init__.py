"""TRM Gateway: what a node does. See the README of this folder for its rooms."""
