"""One node as several workers on one database: who is there, who leads which duty, and what each has to read again."""
