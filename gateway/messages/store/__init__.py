"""Queries of messages, links and receipts."""
