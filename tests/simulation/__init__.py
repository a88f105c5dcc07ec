"""The whole bot against a simulated world and simulated time."""
