"""Cases: one person as this node knows them, and everything here that is about that person."""
