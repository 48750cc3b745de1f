"""The checks of `trm doctor`."""
