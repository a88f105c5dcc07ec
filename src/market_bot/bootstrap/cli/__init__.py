"""The command line: `market-bot`, also `python -m market_bot`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from market_bot.bootstrap.cli.faults import lines_of
from market_bot.bootstrap.plain_text import plain

__all__ = ["main"]

_OK, _FAILED, _USAGE = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 failed, 2 bad usage or configuration."""
    words = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    from cyclopts import CycloptsError

    from market_bot.bootstrap.cli.app import app

    try:
        result = app(words, exit_on_error=False, result_action="return_value")
    except CycloptsError:
        return _USAGE
    except KeyboardInterrupt:
        return _FAILED
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _OK
    except Exception as e:
        if debug:
            raise
        return _told(e)
    return result if isinstance(result, int) else _OK


def _told(error: Exception) -> int:
    for line in lines_of(error):
        print(plain(line), file=sys.stderr)
    from market_bot.config.errors import ConfigError

    if isinstance(error, ConfigError):
        return _USAGE
    code = getattr(error, "code", _FAILED)
    return code if isinstance(code, int) else _FAILED
