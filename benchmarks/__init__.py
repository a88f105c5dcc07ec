"""What market-bot costs, each time beside a peer or a bare floor in the same run."""
