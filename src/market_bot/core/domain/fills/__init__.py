"""The paper matching model: what a simulated order may claim from recorded or live data."""
