"""Numbered changes of the database schema, applied at start; a test compares `HEAD` with the files."""

HEAD = "0020"
