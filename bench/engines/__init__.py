"""The same load on both kinds of database, and on several workers: rates, and what each takes of the machine."""
