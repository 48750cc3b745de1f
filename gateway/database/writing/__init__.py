"""How moves are written: one writer for each process, and in whose name each move is."""
