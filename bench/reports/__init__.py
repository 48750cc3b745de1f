"""What is told of the figures: the table, the targets, the page with its picture."""
