"""One object at a time."""
