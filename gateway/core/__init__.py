"""Meaning, pure: no I/O, no clock, no randomness, no primitives. Hashes, ``now`` and looked-up facts are arguments."""
