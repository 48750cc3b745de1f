"""Canonical encoding, sealing, signing and TLS keys: the modules that call cryptographic libraries."""
