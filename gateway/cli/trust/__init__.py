"""Verbs about peers, administrators and trust."""
