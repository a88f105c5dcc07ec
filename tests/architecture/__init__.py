"""The design, as tests."""
