"""What a person sees who gives the bot something it cannot use: one line, and nothing changed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.bot_process import BotProcess, WarmBots, facts
from tests.fakes.small_market import write_small_tape

# file, old text, new text, what the line must say after the file's name
BAD_SETTINGS = {
    "unknown key": (
        "  interval_ms: 1000",
        "  interval_ms: 1000\n  intervall_ms: 5",
        r":\d+:3 loop\.intervall_ms: ",
    ),
    "wrong type": ("  interval_ms: 1000", "  interval_ms: soon", r":\d+:16 loop\.interval_ms: "),
    "duplicate key": (
        "  interval_ms: 1000",
        "  interval_ms: 1000\n  interval_ms: 1000",
        r":\d+:3(?: loop(?:\.interval_ms)?)?: ",
    ),
    "alias bomb": (
        "mode: paper",
        "x: &x [1, 1]\ny: &y [*x, *x]\nmode: *y",
        r":\d+:\d+(?: \S+)?: ",
    ),
    "yes for a number": ("  cash: 1000", "  cash: yes", r":\d+:9 paper\.cash: "),
    "on for a mode": ("mode: paper", "mode: on", r":\d+:7 mode: "),
    "sexagesimal": ("  cash: 1000", "  cash: 12:30", r":\d+:9 paper\.cash: "),
    "octal": ("  cash: 1000", "  cash: 0777", r":\d+:9 paper\.cash: "),
    "exponent for money": ("  cash: 1000", "  cash: 1e3", r":\d+:9 paper\.cash: "),
    "not a number": ("  cash: 1000", "  cash: .nan", r":\d+:9 paper\.cash: "),
    "negative limit": (
        "  max_order_usd: 25",
        "  max_order_usd: -25",
        r":\d+:18 risk\.max_order_usd: ",
    ),
    "missing limit": ("  max_order_usd: 25\n", "", r":\d+:\d+ risk(?:\.max_order_usd)?: "),
    "missing limits": ("risk:", "riks:", r":\d+:\d+ (?:riks|risk): "),
    "unknown strategy": (
        "- name: bias_harvest",
        "- name: bias_harvst",
        r":\d+:11 strategies\[0\]\.name: ",
    ),
    "unknown parameter": (
        "      gain: 1.15",
        "      gian: 1.15",
        r":\d+:7 strategies\[0\]\.params\.gian: ",
    ),
    "parameter below nothing": (
        "      gain: 1.15",
        "      gain: -1.15",
        r":\d+:13 strategies\[0\]\.params\.gain: ",
    ),
    "parameter out of range": (
        "      style: taker",
        "      style: tacker",
        r":\d+:14 strategies\[0\]\.params\.style: ",
    ),
    "cents for dollars": (
        "      price_max: 0.98",
        "      price_max: 98",
        r":\d+:18 strategies\[0\]\.params\.price_max: ",
    ),
    "empty band": (
        "      price_max: 0.98",
        "      price_max: 0.10",
        r":\d+:18 strategies\[0\]\.params\.price_min: ",
    ),
    "tab": ("  cash: 1000", "\tcash: 1000", r":\d+:\d+: "),
    "not text": ("mode: paper", "mode: \x00paper", r":\d+:\d+: "),
    "cut off": ("mode: paper", "mode: {paper", r":\d+:\d+: "),
}


def snapshot(home: Path) -> dict[str, tuple[int, int]]:
    """Return every file and folder of a home with its size and time of change."""
    found = {}
    for path in (home, *sorted(home.rglob("*"))):
        status = path.stat()
        found[str(path)] = (status.st_size, status.st_mtime_ns)
    return found


def must_be_one_line(bot: BotProcess) -> str:
    """Return the only line on standard error."""
    assert "Traceback" not in bot.stderr
    (line,) = bot.stderr.splitlines()
    return line


@pytest.fixture
def home(tmp_path: Path, bots: WarmBots) -> Path:
    """Return a home as `init` makes it."""
    place = tmp_path / "home"
    assert 0 == bots.run("init", "--home", place).code
    return place


@pytest.mark.parametrize("case", BAD_SETTINGS)
def test_bad_settings_are_refused_with_their_place(
    home: Path, bots: WarmBots, tape: Path, case: str
) -> None:
    """Exit code 2, `file:line:column path: what to do`, and not a byte of the home is touched."""
    old, new, says = BAD_SETTINGS[case]
    path = home / "config" / "kalshi.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    before = snapshot(home)

    bot = bots.run("run", "--home", home, "--tape", tape, "--no-web")

    assert 2 == bot.code
    lines = bot.stderr.splitlines()
    pattern = re.compile(re.escape(str(path)) + says + r"\S.*[a-z].*")
    assert any(pattern.fullmatch(line) for line in lines), lines
    assert all(line.startswith(f"{path}:") for line in lines)
    assert "" == bot.stdout
    assert before == snapshot(home)


def test_the_doctor_says_the_same_of_bad_settings(home: Path, bots: WarmBots) -> None:
    """The doctor fails and shows the very line that a run would."""
    path = home / "config" / "kalshi.yaml"
    text = path.read_text(encoding="utf-8").replace("cash: 1000", "cash: lots")
    path.write_text(text, encoding="utf-8")

    shown = bots.run("config", "show", "kalshi", "--home", home)
    doctor = bots.run("doctor", "--home", home)

    assert 2 == shown.code
    assert 1 == doctor.code
    assert must_be_one_line(shown) in doctor.stdout


def test_several_faults_are_told_together(home: Path, bots: WarmBots, tape: Path) -> None:
    """Every fault has its line, in the order of the file."""
    path = home / "config" / "kalshi.yaml"
    text = path.read_text(encoding="utf-8").replace("cash: 1000", "cash: lots")
    path.write_text(text.replace("interval_ms: 1000", "interval_ms: soon"), encoding="utf-8")

    bot = bots.run("run", "--home", home, "--tape", tape, "--no-web")

    assert 2 == bot.code
    first, second = bot.stderr.splitlines()
    assert "loop.interval_ms" in first
    assert "paper.cash" in second


def test_a_torn_tape_is_traded_up_to_the_tear(tmp_path: Path, bots: WarmBots, tape: Path) -> None:
    """What could be read is traded and kept; one line says where the tape ends."""
    whole = tape.read_bytes()
    torn = tmp_path / "torn.tape.zst"
    torn.write_bytes(whole[: len(whole) - 1000])
    home = tmp_path / "home"

    bot = bots.run("run", "--home", home, "--tape", torn, "--no-web")

    assert 1 == bot.code
    assert "torn.tape.zst" in must_be_one_line(bot)
    scans = sum(fact["type"] == "scan" for fact in facts(home))
    assert 100 < scans < 281
    assert 0 == bots.run("journal", "verify", "--full", "--home", home).code
    assert 0 == bots.run("journal", "prove", "--home", home).code


def bad_tapes(folder: Path, tape: Path) -> Iterator[tuple[str, list[Path]]]:
    """Yield tapes that cannot be traded, by what is wrong with them."""
    other = write_small_tape(folder / "other.tape.zst", markets=2, venue="polymarket")
    yield "two venues", [tape, other]
    joined = folder / "joined.tape.zst"
    joined.write_bytes(tape.read_bytes() + other.read_bytes())
    yield "joined", [joined]
    empty = folder / "empty.tape.zst"
    empty.write_bytes(b"")
    yield "empty", [empty]
    text = folder / "text.tape.zst"
    text.write_text("price,size\n1,2\n", encoding="utf-8")
    yield "text", [text]
    newer = folder / "newer.tape.zst"
    newer.write_bytes(with_format(tape, 99))
    yield "newer", [newer]
    header = folder / "header.tape.zst"
    header.write_bytes(tape.read_bytes()[:30])
    yield "half a header", [header]
    yield "nothing recorded", [write_small_tape(folder / "none.tape.zst", markets=0)]
    yield "a folder", [folder]


def with_format(tape: Path, number: int) -> bytes:
    """Return a tape whose header names another format."""
    import zstandard  # noqa: PLC0415 - for this one case

    with tape.open("rb") as file:
        reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        text = reader.read()
    header, _, rest = text.partition(b"\n")
    changed = re.sub(rb'("(?:v|tape|format|version)"\s*:\s*)1\b', rb"\g<1>%d" % number, header)
    assert changed != header, header
    return zstandard.compress(changed + b"\n") + zstandard.compress(rest)


BAD_TAPES = (
    "two venues", "joined", "empty", "text", "newer", "half a header", "nothing recorded",
    "a folder",
)  # fmt: skip


@pytest.mark.parametrize("case", BAD_TAPES)
def test_a_bad_tape_is_one_line(tmp_path: Path, bots: WarmBots, tape: Path, case: str) -> None:
    """Exit code 1 or, for what is no file, 2; the line names the tape."""
    folder = tmp_path / "tapes"
    folder.mkdir()
    tapes = dict(bad_tapes(folder, tape))[case]
    home = tmp_path / "home"

    bot = bots.run("run", "--home", home, "--tape", *tapes, "--no-web")

    assert (2 if case == "a folder" else 1) == bot.code
    named = "holds no records" if case == "nothing recorded" else tapes[-1].name
    assert named in must_be_one_line(bot)
    if any((home / "journal").glob("*/tape/*/*.jsonl")):
        assert 0 == bots.run("journal", "verify", "--full", "--home", home).code


BAD_WORDS = {
    "unknown command": ["rnu"],
    "unknown option": ["run", "--no-such-option"],
    "a word for a number": ["run", "--ticks", "many"],
    "no tick": ["run", "--ticks", "0"],
    "negative speed": ["run", "--speed", "-1"],
    "speed is no number": ["run", "--speed", "nan"],
    "a tape that is not there": ["run", "--tape", "nowhere.tape.zst"],
    "a venue that there is not": ["run", "--venue", "nasdaq"],
    "unknown format": ["import", "excel", "a.xls", "-o", "b.tape.zst"],
    "no output": ["import", "kalshi-ws", "a.jsonl"],
    "an import of nothing": ["import", "kalshi-ws", "nowhere.jsonl", "-o", "b.tape.zst"],
    "a home that is not there": ["doctor", "--home", "nowhere"],
    "status of no home": ["status", "--home", "nowhere"],
    "a journal that is not there": ["journal", "verify", "--home", "nowhere"],
    "a chain that is not there": ["journal", "tail", "--home", "home", "--chain", "a/b"],
    "a tape to prove with that is not there": [
        *("journal", "prove", "--home", "home"),
        *("--tape", "nowhere.tape.zst"),
    ],
    "the last no lines": ["journal", "tail", "--home", "home", "--count", "0"],
    "a line without a number": ["journal", "at", "first", "--home", "home"],
    "a time that is none": ["journal", "export", "--home", "home", "--since", "noon"],
}


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory, bots: WarmBots, tape: Path) -> Path:
    """Return a folder with a home named ``home`` that traded; only read."""
    folder = tmp_path_factory.mktemp("traded")
    bot = bots.run("run", "--home", folder / "home", "--tape", tape, "--no-web", "--ticks", 30)
    assert 0 == bot.code
    return folder


@pytest.mark.parametrize("case", BAD_WORDS)
def test_bad_usage_ends_with_2(traded: Path, bots: WarmBots, case: str) -> None:
    """Nothing is made or changed, and no traceback is shown."""
    before = snapshot(traded)

    bot = bots.run(*BAD_WORDS[case], cwd=traded)

    assert 2 == bot.code, bot.stdout + bot.stderr
    assert "Traceback" not in bot.stdout + bot.stderr
    assert bot.stdout + bot.stderr
    assert before == snapshot(traded)


def test_a_failed_command_ends_with_1(tmp_path: Path, traded: Path, bots: WarmBots) -> None:
    """What was meant well and did not work is not a usage error."""
    home = tmp_path / "home"
    assert 0 == bots.run("init", "--home", home).code

    for words in (
        ("status", "--home", home),
        ("journal", "verify", "--home", home),
        ("journal", "prove", "--home", home),
        ("journal", "tail", "--home", home),
        ("flatten", "--home", home),
        ("journal", "at", "999999", "--home", traded / "home"),
    ):
        bot = bots.run(*words)
        assert 1 == bot.code, words
        assert must_be_one_line(bot)


def test_debug_shows_where_it_went_wrong(tmp_path: Path, bots: WarmBots) -> None:
    """Only with `--debug` does a person see a traceback."""
    bot = bots.run("status", "--home", tmp_path / "nowhere", "--debug")

    assert 0 != bot.code


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_that_cannot_be_written_is_one_line(tmp_path: Path, bots: WarmBots) -> None:
    """The line names the place and the remedy."""
    tmp_path.chmod(0o500)
    try:
        bot = bots.run("run", "--home", tmp_path / "home", "--no-web")
    finally:
        tmp_path.chmod(0o700)

    assert 1 == bot.code
    assert "--home" in must_be_one_line(bot)


def test_a_file_where_the_home_should_be_is_one_line(
    tmp_path: Path, bots: WarmBots, tape: Path
) -> None:
    """The file stays as it is."""
    home = tmp_path / "home"
    home.write_text("mine", encoding="utf-8")

    bot = bots.run("run", "--home", home, "--tape", tape, "--no-web")

    assert 1 == bot.code
    assert str(home) in must_be_one_line(bot)
    assert "mine" == home.read_text(encoding="utf-8")


def test_secrets_that_others_can_read_stop_the_start(
    home: Path, bots: WarmBots, tape: Path
) -> None:
    """The line is the command that mends it."""
    (home / ".env").chmod(0o644)

    bot = bots.run("run", "--home", home, "--tape", tape, "--no-web")

    assert 1 == bot.code
    assert f"chmod go-rwx {home}/.env" in must_be_one_line(bot)
    assert 1 == bots.run("doctor", "--home", home).code


def test_a_damaged_journal_is_refused_and_not_touched(
    tmp_path: Path, bots: WarmBots, tape: Path
) -> None:
    """A changed digit in the middle is found by verify, by the next run and by the doctor."""
    home = tmp_path / "home"
    words = ("run", "--home", home, "--tape", tape, "--no-web")
    assert 0 == bots.run(*words, "--ticks", 60).code
    (path,) = (home / "journal" / "kalshi").rglob("*.jsonl")
    data = bytearray(path.read_bytes())
    place = data.index(b'"equity":"1000') + len(b'"equity":"')
    data[place] = ord("9")
    path.write_bytes(data)

    for command in (("journal", "verify", "--full", "--home", home), words):
        bot = bots.run(*command)
        assert 1 == bot.code
        assert path.name in must_be_one_line(bot)
    assert 1 == bots.run("doctor", "--home", home).code
    assert bytes(data) == path.read_bytes()
