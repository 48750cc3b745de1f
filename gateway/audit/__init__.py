"""The audit log: entries, checkpoints, witnesses, verification, who read what."""
