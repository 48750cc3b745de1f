"""Beginning a link anew after a restore."""
