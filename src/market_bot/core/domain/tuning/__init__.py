"""What may be tuned."""
