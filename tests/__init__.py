"""The tests, from the smallest rung of the ladder to the largest."""
