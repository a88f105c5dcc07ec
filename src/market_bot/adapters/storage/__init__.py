"""What is kept on disk: journal, tape, configuration, lock, and their in-memory twins."""
