"""Hard limits: one file per rule that may deny an order."""
