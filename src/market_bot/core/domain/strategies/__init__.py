"""Strategies: one file, one object, one decision."""
