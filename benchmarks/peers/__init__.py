"""Programs that run foreign engines over the same events, in an interpreter of their own."""
