"""What a kind of adapter needs on the side of the case system: making it, and looking whether it is there."""
