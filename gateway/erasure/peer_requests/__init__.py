"""Erasure that a peer asks for, and its confirmation."""
