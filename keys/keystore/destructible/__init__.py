"""The secret keys of a running node: the key store, and the process that holds it."""
