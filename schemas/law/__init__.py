"""What law says that changes with a journal: adequacy decisions, and what follows from each legal status."""
