"""Signed and sealed documents: building, parsing and verifying each of them."""
