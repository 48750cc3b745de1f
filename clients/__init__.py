"""Clients of the local API, made of its description for a release: `make` makes them, nothing made lies here."""
