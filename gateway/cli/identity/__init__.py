"""Verbs about keys and roots."""
