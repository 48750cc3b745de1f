"""`trm demo --training`: four countries with forty cases, and people to sign in as. `tell` is the door."""
