"""Backups: made while a bot trades, put back elsewhere, and gone on from byte for byte."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import signal
import stat
import tarfile
from pathlib import Path

import pytest

from market_bot.adapters.storage.backup import BackupError, back_up, restore
from market_bot.adapters.storage.home import Home
from tests.fakes.bot_process import WarmBots, chain_files, wait_until
from tests.fakes.clock import NOON

SIM = ("run", "--no-web", "--json", "--speed", "0")


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory, bots: WarmBots) -> Path:
    """Return a home in which 300 ticks were traded."""
    home = tmp_path_factory.mktemp("backup") / "home"
    done = bots.run(*SIM, "--ticks", 300, "--home", home)
    assert 0 == done.code, done.stderr
    return home


@pytest.fixture
def home(traded: Path, tmp_path: Path) -> Home:
    """Return a copy of it."""
    return Home(shutil.copytree(traded, tmp_path / "home"))


def backed_up(home: Home, target: Path, *, secrets: bool = False) -> Path:
    """Return a backup."""
    back_up(home, target, now=NOON, version="1", secrets=secrets, tapes=False)
    return target


def test_the_restored_home_goes_on_byte_for_byte(
    home: Home, tmp_path: Path, bots: WarmBots
) -> None:
    """After as many ticks more, both homes hold the same journal."""
    file, other = tmp_path / "backup.tar.gz", tmp_path / "other"
    made = bots.run("backup", file, "--home", home.path, "--json")
    assert 0 == made.code, made.stderr
    put_back = bots.run("restore", file, "--home", other)
    assert 0 == put_back.code, put_back.stderr
    assert "sound up to line" in put_back.stdout
    assert chain_files(home.path, "sim") == chain_files(other, "sim")

    for place in (home.path, other):
        assert 0 == bots.run(*SIM, "--ticks", 100, "--home", place).code
    assert chain_files(home.path, "sim") == chain_files(other, "sim")
    verified = bots.run("journal", "verify", "--full", "--home", other)
    assert 0 == verified.code, verified.stderr


def test_a_bot_may_trade_meanwhile(home: Home, tmp_path: Path, bots: WarmBots) -> None:
    """What is copied of a growing journal ends with a whole line."""
    bot = bots.start("run", "--no-web", "--json", "--speed", "2000", "--home", home.path)

    def size() -> int:
        return sum(map(len, chain_files(home.path, "sim").values()))

    before = size()
    assert wait_until(lambda: size() > before + 20_000 or bot.over())
    for number in range(5):
        other = Home(tmp_path / f"home{number}")
        restore(backed_up(home, tmp_path / f"{number}.tar.gz"), other)
        (data,) = list(chain_files(other.path, "sim").values())[-1:]
        assert data.endswith(b"\n")
    bot.signal(signal.SIGINT)
    assert 0 == bot.wait()
    assert 0 == bots.run("journal", "verify", "--full", "--home", tmp_path / "home4").code


def test_only_the_owner_may_read_it_and_keys_are_asked_for(home: Home, tmp_path: Path) -> None:
    """Neither the archive nor what comes out of it is open to others; keys only on demand."""
    home.env_file.write_text("KEY=canary\n")
    (home.config_dir / "web_password").write_text("canary")
    without, having = tmp_path / "a.tar.gz", tmp_path / "b.tar.gz"
    backed_up(home, without)
    backed_up(home, having, secrets=True)

    assert 0o600 == stat.S_IMODE(without.stat().st_mode)
    assert b"canary" not in gzip.decompress(without.read_bytes())
    assert b"canary" in gzip.decompress(having.read_bytes())
    place = Home(tmp_path / "other")
    restore(having, place)
    place.check_permissions()
    assert place.env_file.read_text() == "KEY=canary\n"
    assert place.instance() == home.instance()


def test_nothing_is_overwritten(home: Home, tmp_path: Path) -> None:
    """Neither an older backup nor a home that is there, and nothing is left aside."""
    file = backed_up(home, tmp_path / "a.tar.gz")
    before = file.read_bytes()
    with pytest.raises(BackupError, match="nothing is overwritten"):
        backed_up(home, file)
    with pytest.raises(BackupError, match="nothing is overwritten"):
        restore(file, home)

    assert file.read_bytes() == before
    assert ["a.tar.gz", "home"] == sorted(path.name for path in tmp_path.iterdir())


def refusal(file: Path, home: Home) -> str:
    """Return why a backup is not restored, nothing if it is."""
    try:
        restore(file, home)
    except BackupError as e:
        return str(e)
    return ""


def test_what_names_others_is_copied_before_them(home: Home, tmp_path: Path) -> None:
    """An anchor that is added meanwhile names lines that are not in the backup, nor is it."""
    home.anchors_file.write_text("{}\n")
    home.halt_file.write_text("by hand")
    for name in ("journal/a/b/2026-01-01.jsonl", "reports/2026-01-01-a-b.json"):
        (home.path / name).parent.mkdir(parents=True, exist_ok=True)
        (home.path / name).write_text("{}\n")
    growing = home.path / "journal/a/b/2026-01-01.jsonl"
    growing.write_text('{}\n{"v":1,"se')
    with tarfile.open(backed_up(home, tmp_path / "a.tar.gz")) as made:
        names = made.getnames()
        whole = made.getmember("journal/a/b/2026-01-01.jsonl").size

    assert len("{}\n") == whole
    assert "anchors.jsonl" == names[0]
    assert names[1].startswith("journal/system/main/")
    assert ["journal/a/b", "journal/simulated/sim"] == [
        "/".join(name.split("/")[:3]) for name in names[2:4]
    ]
    assert ["reports/2026-01-01-a-b.json", "HALT", "manifest.json"] == names[-3:]


def test_the_chain_written_last_is_still_that(home: Home, tmp_path: Path) -> None:
    """Whoever asks without a name is answered from the same chain as before."""
    files = sorted(home.journal_dir.rglob("*.jsonl"))
    for number, path in enumerate(files):
        os.utime(path, (10**9 - number / 4, 10**9 - number / 4))
    restore(backed_up(home, tmp_path / "a.tar.gz"), Home(tmp_path / "other"))

    restored = [tmp_path / "other" / path.relative_to(home.path) for path in files]
    assert [path.stat().st_mtime for path in files] == [path.stat().st_mtime for path in restored]


def test_nothing_that_lies_there_is_written_into(home: Home, tmp_path: Path) -> None:
    """Neither an unfinished backup that others may read, nor what a link leads to."""
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / ".a.tar.gz.part").symlink_to(victim)
    backed_up(home, tmp_path / "a.tar.gz")

    assert "mine" == victim.read_text()
    with pytest.raises(BackupError, match="nothing was backed up"):
        backed_up(home, tmp_path / "missing" / "a.tar.gz")


def test_a_damaged_backup_restores_nothing(home: Home, tmp_path: Path) -> None:
    """Whatever byte is other, whatever is cut off: one line, and no half of a home."""
    file = backed_up(home, tmp_path / "a.tar.gz")
    whole = file.read_bytes()
    broken = tmp_path / "broken.tar.gz"
    places = range(0, len(whole), max(1, len(whole) // 40))
    damaged = [whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :] for at in places]
    damaged += [whole[:at] for at in places]
    refused = 0
    for data in damaged:
        broken.write_bytes(data)
        place = Home(tmp_path / "other")
        said = refusal(broken, place)
        refused += bool(said)
        assert "\n" not in said
        # Else it is a byte of the gzip header that means nothing.
        if not said:
            assert chain_files(place.path, "sim") == chain_files(home.path, "sim")
            shutil.rmtree(place.path)
        assert not place.path.exists()
    assert refused >= len(damaged) - 3


def archive(path: Path, members: dict[str, bytes], kind: bytes = tarfile.REGTYPE) -> Path:
    """Write an archive as somebody else might."""
    with tarfile.open(path, "w:gz") as out:
        for name, data in members.items():
            header = tarfile.TarInfo(name)
            header.size, header.type, header.linkname = len(data), kind, "/etc/passwd"
            out.addfile(header, io.BytesIO(data))
    return path


@pytest.mark.parametrize(
    "name", ["../x", "/etc/x", "config/../../x", "config/.hidden", "a b", "", ".env/x"]
)
def test_nothing_is_put_outside_of_the_home(tmp_path: Path, name: str) -> None:
    """A place that leads elsewhere is refused, whoever made the archive."""
    made = archive(tmp_path / "a.tar.gz", {name: b"x"})
    with pytest.raises(BackupError, match=r"damaged or no backup"):
        restore(made, Home(tmp_path / "home"))

    assert ["a.tar.gz"] == [path.name for path in tmp_path.iterdir()]


def test_links_and_strange_lists_are_refused(tmp_path: Path) -> None:
    """Only files, and only those of a list of this format."""
    linked = archive(tmp_path / "a.tar.gz", {"config/x": b""}, tarfile.SYMTYPE)
    newer = archive(tmp_path / "b.tar.gz", {"manifest.json": json.dumps({"format": 2}).encode()})
    bare = archive(tmp_path / "c.tar.gz", {"config/x": b"1"})
    more = {"format": 1, "made_at": "", "version": "", "files": {"config/y": [1, "0"]}}
    other = archive(
        tmp_path / "d.tar.gz", {"config/x": b"1", "manifest.json": json.dumps(more).encode()}
    )
    for file, said in (
        (linked, "is no file"),
        (newer, "format 2"),
        (bare, "list is missing"),
        (other, "not as it was backed up"),
    ):
        with pytest.raises(BackupError, match=said):
            restore(file, Home(tmp_path / "home"))
