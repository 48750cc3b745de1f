"""France's node as several workers on a PostgreSQL server, and what it loses on stage."""
