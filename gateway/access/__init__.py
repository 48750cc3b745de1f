"""Who may ask what: roles of people and programs, sessions, passkeys, tokens of the local API."""
