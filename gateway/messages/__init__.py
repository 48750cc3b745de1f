"""Messages as the node holds them: types, states, rows, encoding."""
