"""Messages on their way: out, in, and into the case system."""
