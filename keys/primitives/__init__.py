"""Encoding, sealing, signing, TLS."""
