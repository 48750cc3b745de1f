"""Proof of an exchange that anybody can check."""
