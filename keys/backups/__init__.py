"""Backup files, sealed to the recovery key of a node."""
