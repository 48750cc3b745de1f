"""Webhooks, notices by e-mail, alerts nobody has taken."""
