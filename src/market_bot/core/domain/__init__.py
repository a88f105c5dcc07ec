"""The values and rules of trading on prediction markets."""
