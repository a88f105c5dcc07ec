"""Venues without a counterparty: a simulation from a seed, and a replayed tape."""
