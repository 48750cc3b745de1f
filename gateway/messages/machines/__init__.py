"""State machines of messages and links, as tables."""
