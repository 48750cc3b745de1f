"""From bytes of a peer to an accepted message."""
