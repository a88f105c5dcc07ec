"""The process that looks through a journal: standard library only, so that it starts fast.

It reads one request as JSON from its standard input, answers with JSON on its standard output, and
ends. It reads bytes and compares them; only lines that are told are decoded. Hashes are not
checked: `market-bot journal verify` does that. An unfinished last line is the end.

Run by `journal_search`; the files are mapped, so that what is read is nobody's memory for long.
"""

from __future__ import annotations

import json
import mmap
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

BLOCK: Final = 1 << 20
TEXT_MAX: Final = 2_000
LIMIT_MAX: Final = 5_000
OUT_BYTES_MAX: Final = 24 << 20
POINTS_MAX: Final = 1_000

_FILE: Final = re.compile(r"\d{4}-\d{2}-\d{2}\.jsonl")
_PREFIX: Final = re.compile(rb'\{"v":1,"seq":(\d{1,18}),"ts":"([^"]{27})"')
_EQUITY: Final = re.compile(rb'"equity":"(-?[0-9.]{1,40})"')
_TYPE: Final = re.compile(rb'"type":"([a-z_]{1,64})","data":')
_SCAN_NEAR: Final = 4 << 20
_NICE: Final = 10

Request = dict[str, Any]


def search(request: Request) -> dict[str, Any]:
    """Return the lines that fit a request; see `journal_search.Search` for its keys."""
    found = _Hits(request)
    backwards = request.get("after") is None
    for path in _files(request, backwards=backwards):
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if not size:
                continue
            with mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as data:
                if not found.look(data, backwards=backwards):
                    break
    return found.answer()


def sample(request: Request) -> dict[str, Any]:
    """Return the equity told by the first scan after each of so many moments."""
    points: dict[str, str] = {}
    moments = list(request["moments"])[:POINTS_MAX]
    for path in _files({**request, "since": "", "until": ""}, backwards=False):
        day = path.name[:10]
        of_day = [moment for moment in moments if moment[:10] == day]
        if not of_day or not path.stat().st_size:
            continue
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            end = data.rfind(b"\n") + 1
            for moment in of_day:
                told = _equity_at(data, _find(data, 0, end, stamp=moment.encode()), end)
                if told is not None:
                    points[told[0]] = told[1]
    return {"points": sorted(points.items())}


class _Hits:
    """What was found so far, and when to stop."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._limit = max(1, min(int(request.get("limit", 50)), LIMIT_MAX))
        self._ends = time.monotonic() + float(request.get("deadline_s", 3.0))
        self._types = [kind.encode() for kind in request.get("types", ())]
        self._all = [needle.encode() for needle in request.get("all", ())]
        self._any = [needle.encode() for needle in request.get("any", ())]
        self._text = str(request.get("text", "")).lower().encode()
        self._lines: list[dict[str, Any]] = []
        self._bytes = 0
        self._scanned = 0
        self._next: int | None = None
        self._late = False

    def look(self, data: mmap.mmap, *, backwards: bool) -> bool:
        """Look through one file; return whether the others are to be looked through as well."""
        low, high = _region(data, self._request)
        for start, end in _blocks(data, low, high, backwards=backwards):
            block = data[start:end]
            self._scanned += block.count(b"\n")
            for at in self._candidates(block, backwards=backwards):
                line = block[at : block.find(b"\n", at)]
                if self._fits(line) and not self._keep(line):
                    return False
            if time.monotonic() > self._ends:
                self._late = True
                self._next = _seq(block if backwards else block[block.rfind(b"\n", 0, -1) + 1 :])
                return False
        return True

    def answer(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {
            "lines": self._lines,
            "next": self._next,
            "complete": not self._late,
            "scanned": self._scanned,
        }

    def _candidates(self, block: bytes, *, backwards: bool) -> list[int]:
        """Return where lines start that may fit, by the needle that says most."""
        if self._text:
            starts = _starts(block, block.lower(), [self._text])
        elif self._any:
            starts = _starts(block, block, self._any)
        elif self._all:
            starts = _starts(block, block, self._all[:1])
        elif self._types:
            starts = _starts(block, block, [b'"type":"%b"' % kind for kind in self._types])
        else:
            starts = _all_starts(block)
        return sorted(starts, reverse=backwards)

    def _fits(self, line: bytes) -> bool:
        if self._types and _kind(line) not in self._types:
            return False
        if any(needle not in line for needle in self._all):
            return False
        if self._any and not any(needle in line for needle in self._any):
            return False
        return not self._text or self._text in line.lower()

    def _keep(self, line: bytes) -> bool:
        """Take a line; return False once the page is full."""
        seq = _seq(line)
        if len(self._lines) >= self._limit or self._bytes > OUT_BYTES_MAX:
            return False
        told = _told(line)
        if told is None or seq is None:
            return True
        self._lines.append(told)
        self._bytes += min(len(line), 64 * TEXT_MAX)
        self._next = None
        if len(self._lines) >= self._limit:
            self._next = seq
            return False
        return True


def _starts(block: bytes, looked_at: bytes, needles: list[bytes]) -> set[int]:
    """Return the starts of the lines that hold one of the needles."""
    found: set[int] = set()
    for needle in needles:
        at = looked_at.find(needle)
        while at >= 0:
            found.add(block.rfind(b"\n", 0, at) + 1)
            end = block.find(b"\n", at)
            at = looked_at.find(needle, end) if end >= 0 else -1
    return found


def _all_starts(block: bytes) -> set[int]:
    found, at = {0}, block.find(b"\n")
    while 0 <= at < len(block) - 1:
        found.add(at + 1)
        at = block.find(b"\n", at + 1)
    return found


def _files(request: Request, *, backwards: bool) -> list[Path]:
    folder = Path(request["folder"])
    since, until = str(request.get("since", ""))[:10], str(request.get("until", ""))[:10]
    names = [
        name
        for name in (path.name for path in (folder.iterdir() if folder.is_dir() else ()))
        if _FILE.fullmatch(name) and since <= name[:10] and (not until or name[:10] <= until)
    ]
    return [folder / name for name in sorted(names, reverse=backwards)]


def _region(data: mmap.mmap, request: Request) -> tuple[int, int]:
    """Return from where to where a file is to be looked through."""
    high = data.rfind(b"\n") + 1
    low = 0
    if request.get("since"):
        low = _find(data, low, high, stamp=str(request["since"]).encode())
    if request.get("until"):
        high = _find(data, low, high, stamp=str(request["until"]).encode())
    if request.get("before") is not None:
        high = _find(data, low, high, seq=int(request["before"]))
    if request.get("after") is not None:
        low = _find(data, low, high, seq=int(request["after"]) + 1)
    return low, high


def _blocks(data: mmap.mmap, low: int, high: int, *, backwards: bool) -> Iterator[tuple[int, int]]:
    """Yield stretches of whole lines."""
    while low < high:
        if backwards:
            start = max(low, high - BLOCK)
            if start > low:
                start = data.rfind(b"\n", low, start) + 1 or low
            yield start, high
            high = start
        else:
            end = min(high, low + BLOCK)
            end = data.find(b"\n", end - 1) + 1 or high
            yield low, end
            low = end


def _find(data: mmap.mmap, low: int, high: int, *, seq: int = 0, stamp: bytes = b"") -> int:
    """Return where the first line starts whose number or time is not lower; ``high`` if none."""
    found = high
    while low < high:
        middle = (low + high) // 2
        start = data.rfind(b"\n", low, middle) + 1 or low
        prefix = _PREFIX.match(data, start)
        if prefix is None:
            return found
        if (prefix[2] >= stamp) if stamp else (int(prefix[1]) >= seq):
            found = high = start
        else:
            low = data.find(b"\n", start) + 1
    return found


def _equity_at(data: mmap.mmap, start: int, end: int) -> tuple[str, str] | None:
    at = data.find(b'"type":"scan"', start, min(end, start + _SCAN_NEAR))
    if at < 0:
        return None
    begin, close = data.rfind(b"\n", 0, at) + 1, data.find(b"\n", at)
    prefix, equity = _PREFIX.match(data, begin), _EQUITY.search(data, at, close)
    if prefix is None or equity is None:
        return None
    return prefix[2].decode(), equity[1].decode()


def _seq(line: bytes) -> int | None:
    prefix = _PREFIX.match(line)
    return None if prefix is None else int(prefix[1])


def _kind(line: bytes) -> bytes:
    # Quotes inside strings are escaped: the first bare one is the envelope's own.
    found = _TYPE.search(line)
    return b"" if found is None else found[1]


def _told(line: bytes) -> dict[str, Any] | None:
    try:
        told: Any = json.loads(line)
    except ValueError:
        return None
    if not isinstance(told, dict) or not isinstance(data := told.get("data"), dict):
        return None
    if told.get("type") == "checkpoint":
        data.pop("state", None)
    for name, value in data.items():
        if isinstance(value, str) and len(value) > TEXT_MAX:
            data[name] = value[:TEXT_MAX] + "…"
    return told


def main() -> int:
    """Answer one request."""
    os.nice(_NICE)
    request = json.load(sys.stdin)
    answer = sample(request) if request.get("what") == "sample" else search(request)
    json.dump(answer, sys.stdout)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
