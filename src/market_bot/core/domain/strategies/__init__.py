"""Strategies: one file each, exposing one object named ``strategy``."""
