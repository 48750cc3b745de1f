"""Pages for writing: how a message begins, its steps and its form, its files, and its release."""
