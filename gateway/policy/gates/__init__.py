"""The gates G1 to G15."""
