"""The host: clock, identifiers and secrets."""
