"""From the sources of schemas to the published files."""
