"""Files that travel with messages: rules, library, upload, parts that arrive."""
