"""``python -m benchmarks``: which benchmarks to run, how often, and where the numbers go."""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks import cases
from benchmarks.report import machine, markdown, table
from benchmarks.rows import Row, Verdict
from benchmarks.setting import Benchmark, Scale, Setting, reference_folder

_ROUNDS_MAX: Final = 1000


def catalogue() -> dict[str, Benchmark]:
    """Return every benchmark by name; each is a file in `benchmarks.cases`."""
    found: dict[str, Benchmark] = {}
    for info in pkgutil.iter_modules(cases.__path__, cases.__name__ + "."):
        benchmark = importlib.import_module(info.name).benchmark
        assert isinstance(benchmark, Benchmark)
        found[benchmark.name] = benchmark
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Run benchmarks and print one table; 0 also where goals were missed, which is news."""
    known = catalogue()
    options = _options(argv, known)
    rows: dict[str, list[Row]] = {}
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="market-bot-bench-", dir=options.folder) as folder:
        for name in options.only or list(known):
            setting = Setting(
                folder=Path(folder) / name,
                rounds=options.rounds,
                scale=Scale.QUICK if options.quick else Scale.FULL,
                soak=options.soak,
                reference=reference_folder(),
            )
            rows[name] = _measured(known[name], setting)
    _tell(rows, options, time.perf_counter() - began)
    return 0


def _measured(benchmark: Benchmark, setting: Setting) -> list[Row]:
    print(f"{benchmark.name}: {benchmark.summary}", flush=True)
    setting.folder.mkdir(parents=True)
    done: list[Row] = []
    for row in benchmark.measure(setting):
        done.append(row)
        ratio = row.skipped or ("" if row.ratio is None else f"{row.ratio:.2f}")
        print(f"  {row.measures}: {ratio} {row.verdict.value}", flush=True)
    return done


def _tell(rows: dict[str, list[Row]], options: argparse.Namespace, seconds: float) -> None:
    about = machine()
    print()
    for name, value in about.items():
        print(f"{name}: {value}")
    for name, told in rows.items():
        print(f"\n{name}\n{table(told)}")
    every = [row for told in rows.values() for row in told]
    counts = {v.value: sum(row.verdict is v for row in every) for v in Verdict}
    print(f"\n{counts} in {seconds:.0f} s; ratios count, absolute numbers are this machine's")
    if options.json is not None:
        plain = {name: [row.plain() for row in told] for name, told in rows.items()}
        whole = {"machine": about, "rounds": options.rounds, "rows": plain}
        options.json.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    if options.markdown is not None:
        parts = [f"### {name}\n\n{markdown(told)}\n" for name, told in rows.items()]
        options.markdown.write_text("\n".join(parts), encoding="utf-8")


def _options(argv: Sequence[str] | None, known: dict[str, Benchmark]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=list(known), metavar="NAME")
    parser.add_argument("--rounds", type=_rounds, default=5)
    parser.add_argument("--quick", action="store_true", help="less work, rougher numbers")
    parser.add_argument("--soak", action="store_true", help="ten minutes of decisions")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows as JSON")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write them as tables")
    parser.add_argument("--folder", type=Path, help="where to work; should be a real disk")
    return parser.parse_args(argv)


def _rounds(text: str) -> int:
    value = int(text)
    if not 1 <= value <= _ROUNDS_MAX:
        msg = f"rounds from 1 to {_ROUNDS_MAX}, was {value}"
        raise argparse.ArgumentTypeError(msg)
    return value
