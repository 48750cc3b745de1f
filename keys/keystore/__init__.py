"""Where secret keys live, and the process that holds them."""
