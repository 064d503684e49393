"""Reports and the documents that prove what they say (rulebook 8.3)."""
