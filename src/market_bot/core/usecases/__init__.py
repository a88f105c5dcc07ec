"""What the bot does, one use case per file."""
