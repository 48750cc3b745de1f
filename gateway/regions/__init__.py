"""Region packs from outside the program: read within bounds, installed in a node folder, begun and mended."""
