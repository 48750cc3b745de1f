"""Verbs about alerts and webhooks."""
