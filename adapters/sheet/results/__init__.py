"""What an office is told: the database that remembers it, and the workbook that shows it."""
