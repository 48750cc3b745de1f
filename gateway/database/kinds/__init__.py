"""The two kinds of database that rows are kept in: a file of SQLite, and a PostgreSQL server."""
