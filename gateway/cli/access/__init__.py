"""Verbs about people and tokens."""
