"""What the type checker must accept and must refuse."""
