"""Conversations: their rules, procedures, who is on call, what is owed."""
