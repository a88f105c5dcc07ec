"""A trading bot for prediction markets that asks before it changes itself."""
