"""How long a test waits for what has to come about.

The span ends a hang and nothing else. Whether something is quick is no question for a test on a machine that does other
things: one that asks it fails by luck.
"""

PATIENCE = 240.0
"""Seconds, below the time that a test has."""
