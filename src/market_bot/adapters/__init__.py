"""The outside world, one folder per neighbour; the folders do not know each other."""
