"""Hand-written twins of the ports."""
