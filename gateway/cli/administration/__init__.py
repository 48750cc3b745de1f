"""Verbs about the node itself."""
