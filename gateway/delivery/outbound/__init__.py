"""From a draft to a sealed envelope that was answered."""
