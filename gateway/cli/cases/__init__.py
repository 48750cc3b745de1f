"""The verbs of `trm case`."""
