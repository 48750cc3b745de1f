"""What is wrong in a document, in words, and what was probably meant."""
