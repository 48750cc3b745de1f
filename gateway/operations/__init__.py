"""What may be asked of a node: names, roles, arguments, idempotency."""
