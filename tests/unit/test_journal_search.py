"""Looking through journals: the right lines, from the right end, and never for long."""

from __future__ import annotations

import json
import mmap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_bot.adapters.storage import journal_search_child as child
from market_bot.adapters.storage.journal_search import Found, JournalSearch, Search, SearchError
from market_bot.core.ports.journal import Chain, JournalError

CHAIN = Chain("kalshi", "paper")
KINDS = ("scan", "signal", "fill", "mark")


def a_line(seq: int, kind: str = "", day: int = 22, **data: object) -> str:
    """Return a line as a journal writes it; an hour has 400 of them."""
    stamp = f"2026-11-{day:02d}T{seq // 400 % 24:02d}:{seq // 7 % 60:02d}:{seq % 60:02d}.000000Z"
    told = {
        "v": 1,
        "seq": seq,
        "ts": stamp,
        "boot": "b",
        "venue": "kalshi",
        "lane": "paper",
        "cfg": "c",
        "type": kind or KINDS[seq % 4],
        "data": data or {"market": f"M-{seq % 5}", "strategy": f"s{seq % 3}", "text": f"No {seq}"},
        "prev": "0" * 64,
        "hash": "1" * 64,
    }
    return json.dumps(told, separators=(",", ":"), ensure_ascii=False)


def hour_line(seq: int, day: int) -> str:
    """Return a line whose time rises with its number."""
    line = json.loads(a_line(seq, day=day))
    minute = (seq - 1) % 100
    line["ts"] = f"2026-11-{day:02d}T{minute // 60:02d}:{minute % 60:02d}:00.000000Z"
    return json.dumps(line, separators=(",", ":"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a journal of three days with a hundred lines each, the last one unfinished."""
    place = tmp_path / "kalshi" / "paper"
    place.mkdir(parents=True)
    for number, day in enumerate((20, 21, 22)):
        lines = [hour_line(seq, day) for seq in range(number * 100 + 1, number * 100 + 101)]
        (place / f"2026-11-{day}.jsonl").write_text("\n".join(lines) + "\n")
    with (place / "2026-11-22.jsonl").open("a") as file:
        file.write(hour_line(301, 22)[:80])
    (place / "notes.txt").write_text("not a journal")
    return tmp_path


def look(folder: Path, **wanted: Any) -> list[int]:
    """Return the numbers of the lines that are found, in this process."""
    request = {"folder": str(folder / "kalshi" / "paper"), "limit": 1_000, **wanted}
    return [line["seq"] for line in child.search(request)["lines"]]


def test_the_newest_line_comes_first(folder: Path) -> None:
    """Without a filter every whole line is told, across files, from the end."""
    assert list(range(300, 0, -1)) == look(folder)


def test_the_oldest_comes_first_after_a_line(folder: Path) -> None:
    """What came of a line is told in order."""
    assert list(range(96, 106)) == look(folder, after=95, limit=10)
    assert [100, 101] == look(folder, after=99, before=102)
    assert [] == look(folder, after=300)


@pytest.mark.parametrize("block", [300, 1 << 20])
def test_filters(folder: Path, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Types, texts and numbers narrow it down, whatever the size of a block is."""
    monkeypatch.setattr(child, "BLOCK", block)
    every = range(300, 0, -1)

    assert [n for n in every if n % 4 == 2] == look(folder, types=["fill"])
    assert [n for n in every if n % 4 in (1, 2)] == look(folder, types=["signal", "fill"])
    assert [n for n in every if n % 5 == 3] == look(folder, all=['"market":"M-3"'])
    both = ['"market":"M-3"', '"strategy":"s1"']
    assert [n for n in every if n % 5 == 3 and n % 3 == 1] == look(folder, all=both)
    either = ['"market":"M-3"', '"market":"M-4"']
    assert [n for n in every if n % 5 in (3, 4)] == look(folder, any=either)
    assert [123] == look(folder, text="nO 123")
    assert [] == look(folder, text="nothing like it")
    assert list(range(149, 139, -1)) == look(folder, before=150, limit=10)
    assert [150] == look(folder, text="no 150", types=["fill"])
    assert [] == look(folder, text="no 150", types=["scan"])


def test_times(folder: Path) -> None:
    """A stretch of time is found by its edges, the first included, the last not."""
    since, until = "2026-11-21T01:30:00.000000Z", "2026-11-22T00:03:00.000000Z"

    found = look(folder, since=since, until=until)

    assert found == [n for n in range(300, 0, -1) if since <= stamp_of(n) < until]
    assert found
    assert [] == look(folder, since="2026-11-23T00:00:00.000000Z")
    assert [] == look(folder, until="2026-11-20T00:00:00.000000Z")


def stamp_of(seq: int) -> str:
    """Return the time of a line of the three days."""
    return str(json.loads(hour_line(seq, 20 + (seq - 1) // 100))["ts"])


@given(st.integers(1, 40), st.sampled_from([None, "fill", "scan"]))
def test_pages_make_up_the_whole(limit: int, kind: str | None) -> None:
    """Page after page tells every line once, in order."""
    path = Path(pages_folder())
    wanted = {"types": [kind]} if kind else {}
    whole, pages, before = look(path, **wanted), list[int](), None
    while True:
        request = {"folder": str(path / "kalshi" / "paper"), "limit": limit, "before": before}
        page = child.search(request | wanted)
        pages += [line["seq"] for line in page["lines"]]
        before = page["next"]
        if before is None:
            break

    assert whole == pages


_PAGES: dict[str, str] = {}


def pages_folder() -> str:
    """Return the folder that the fixture below made."""
    return _PAGES["folder"]


@pytest.fixture(autouse=True, scope="module")
def _pages(tmp_path_factory: pytest.TempPathFactory) -> None:
    place = tmp_path_factory.mktemp("pages") / "kalshi" / "paper"
    place.mkdir(parents=True)
    for day in (20, 21):
        lines = [hour_line(seq, day) for seq in range((day - 20) * 60 + 1, (day - 20) * 60 + 61)]
        (place / f"2026-11-{day}.jsonl").write_text("\n".join(lines) + "\n")
    _PAGES["folder"] = str(place.parent.parent)


def test_a_search_that_takes_long_goes_on_later(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When time is up, what was found is told with the place to go on from; nothing is lost."""
    monkeypatch.setattr(child, "BLOCK", 2_000)
    found, before, rounds = list[int](), None, 0
    while rounds < 500:
        request = {
            "folder": str(folder / "kalshi" / "paper"),
            "types": ["fill"],
            "before": before,
            "limit": 1_000,
            "deadline_s": 0.0,
        }
        page = child.search(request)
        found += [line["seq"] for line in page["lines"]]
        before, rounds = page["next"], rounds + 1
        if page["complete"]:
            break

    assert rounds > 10
    assert look(folder, types=["fill"]) == found


def test_a_type_inside_the_data_is_none(tmp_path: Path) -> None:
    """What a market calls itself does not make a line another one."""
    place = tmp_path / "kalshi" / "paper"
    place.mkdir(parents=True)
    hostile = '"type":"fill","data":{}'
    lines = [
        a_line(1, "signal", market=hostile),
        a_line(2, "signal", inner={"type": "fill", "data": 1}),
        a_line(3, "fill", market="M"),
    ]
    (place / "2026-11-22.jsonl").write_text("\n".join(lines) + "\n")

    assert [3] == look(tmp_path, types=["fill"])
    assert [1] == look(tmp_path, all=[f'"market":{json.dumps(hostile)}'])


def test_long_texts_and_states_are_cut(tmp_path: Path) -> None:
    """A checkpoint is told without its state, and no text is longer than a screen."""
    place = tmp_path / "kalshi" / "paper"
    place.mkdir(parents=True)
    lines = [
        a_line(1, "checkpoint", digest="d", state={"x": "y" * 3_000_000}),
        a_line(2, "config_changed", config="x" * 9_000),
        a_line(3, "error", message="ü" * 10),
    ]
    (place / "2026-11-22.jsonl").write_text("\n".join(lines) + "\n")

    third, second, first = child.search({"folder": str(place)})["lines"]

    assert {"digest": "d"} == first["data"]
    assert child.TEXT_MAX + 1 == len(second["data"]["config"])
    assert "ü" * 10 == third["data"]["message"]


def test_no_journal_is_no_line(tmp_path: Path) -> None:
    """An empty file, or a folder that is not there, holds nothing."""
    assert [] == look(tmp_path)
    place = tmp_path / "kalshi" / "paper"
    place.mkdir(parents=True)
    (place / "2026-11-22.jsonl").touch()
    assert [] == look(tmp_path)
    (place / "2026-11-21.jsonl").write_text("half a line")
    assert [] == look(tmp_path)


def test_equity_is_sampled(tmp_path: Path) -> None:
    """Of each moment the first scan after it is told, once."""
    place = tmp_path / "kalshi" / "paper"
    place.mkdir(parents=True)
    lines = [
        a_line(n, "scan" if n % 2 else "mark", equity=f"{1000 + n}.5", views=n)
        for n in range(60, 120)
    ]
    (place / "2026-11-22.jsonl").write_text("\n".join(lines) + "\n")
    first = json.loads(lines[1])["ts"]
    moments = ["2026-11-21T00:00:00.000000Z", "2026-11-22T00:00:00.000000Z", first]
    request = {"folder": str(place), "moments": [*moments, "2026-11-22T23:00:00.000000Z"]}

    assert [(first, "1061.5")] == child.sample(request)["points"]


def test_a_process_of_its_own(folder: Path) -> None:
    """The same is found from outside, by a process that loads nothing of ours."""
    search = JournalSearch(folder)

    found = search.find(Search(chain=CHAIN, types=("fill",), limit=3))

    assert isinstance(found, Found)
    assert ([298, 294, 290], 290) == ([line["seq"] for line in found.lines], found.next)
    assert found.complete
    assert () == search.equity(CHAIN, [])
    with pytest.raises(JournalError, match="cannot name a folder"):
        search.find(Search(chain=Chain("..", "paper")))


def test_a_process_that_fails_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that comes to nothing says so in one line."""
    monkeypatch.setattr(
        "market_bot.adapters.storage.journal_search._PROGRAM", folder / "no_such_program.py"
    )

    with pytest.raises(SearchError, match="could not be searched"):
        JournalSearch(folder).find(Search(chain=CHAIN))


def test_bisection_finds_every_edge(tmp_path: Path) -> None:
    """From any stretch, the first line with at least a number is found."""
    path = tmp_path / "x.jsonl"
    path.write_text("".join(f"{a_line(n)}\n" for n in range(5, 25)))
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        starts = {n: data.find(b'{"v":1,"seq":%d,' % n) for n in range(5, 25)}
        for wanted in range(1, 30):
            expected = starts.get(max(5, wanted), len(data))
            assert expected == child._find(data, 0, len(data), seq=wanted)
