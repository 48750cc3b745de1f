"""What people and programs may ask about messages."""
