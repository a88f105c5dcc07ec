"""Run the command line as ``python -m market_bot``."""

from __future__ import annotations

import sys

from market_bot.bootstrap.cli import main

if __name__ == "__main__":
    sys.exit(main())
