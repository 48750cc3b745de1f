"""What was taken away, so that no restore brings it back."""
