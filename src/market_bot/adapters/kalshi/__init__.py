"""Kalshi: pure parsing, and a client that moves bytes."""
