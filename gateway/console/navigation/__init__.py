"""What stands beside every page: the sections of somebody, and how much waits for them in each."""
