"""The paper matching model: how a book would have filled an order."""
