"""Changes that two people approve, and the administrators who do."""
