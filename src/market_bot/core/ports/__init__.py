"""What the core needs from the outside, one need per file."""
