"""What people take away from the console: written once, shown on a page and printed as a file."""
