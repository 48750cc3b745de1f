"""Maintenance: a bounded time in which a node takes nothing new in and sends nothing."""
