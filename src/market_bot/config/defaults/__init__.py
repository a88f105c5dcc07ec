"""The files an operator starts from."""
