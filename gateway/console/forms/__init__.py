"""Forms: a message type as questions in the language of the reader."""
