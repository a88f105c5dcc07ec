"""What a stretch of a lane's journal says: read once, counted exactly."""
