"""Leaks: reasons for which money is lost, each found by a rule in a file of its own."""
