"""What may leave: gates, corridor policy, release by two people, asylum holds."""
