"""Verbs about corridor policies and asylum holds."""
