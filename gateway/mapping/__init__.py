"""Between records of a case system and messages."""
