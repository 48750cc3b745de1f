"""The words of the program: out to reviewers and back."""
