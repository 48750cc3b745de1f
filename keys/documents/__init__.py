"""Signed and sealed documents: how each is built, parsed and verified."""
