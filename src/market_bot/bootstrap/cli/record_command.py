"""``market-bot record``: what it did, for people and for scripts."""

from __future__ import annotations

import json as json_module

from market_bot.bootstrap.plain_text import plain
from market_bot.bootstrap.program_name import program
from market_bot.bootstrap.record_run import RecordOptions, record


def record_venue(options: RecordOptions) -> int:
    """Record a venue and print what was recorded."""
    numbers = record(options)
    if options.json:
        print(json_module.dumps(numbers))
        return 0
    megabytes = numbers["bytes"] / 1e6
    print(
        f"{numbers['facts']:,} facts of {numbers['markets']:,} markets at {numbers['ticks']:,} "
        f"ticks until {numbers['until']}: {megabytes:,.2f} MB in {numbers['seconds']:.1f} s"
    )
    for path in numbers["files"]:
        print(plain(f"  {path}"))
    if numbers["files"]:
        print(plain(f"next: {program()} run --tape {' '.join(numbers['files'])} --no-web"))
    return 0
