"""Verbs about the procedure of a region."""
