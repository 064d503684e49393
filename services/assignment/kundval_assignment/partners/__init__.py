"""What assignment alone can tell of the ids under which partners know persons and cases."""
