"""A type in words, for people: its members and its rules."""
