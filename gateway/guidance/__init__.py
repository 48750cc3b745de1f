"""Short texts on what to do, and the search in them."""
