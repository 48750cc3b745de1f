"""Verbs about drafts, messages and conversations."""
