"""Counts that give no person away."""
