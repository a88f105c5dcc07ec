"""The home directory is made once, kept private and never overwritten."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from market_bot.adapters.storage.home import Home, HomeError
from market_bot.adapters.system.secrets import Secrets, SecretsError, load_secrets
from market_bot.config import load_bot, load_venue
from market_bot.config.defaults import default_files

NOBODY = 65_534


def snapshot(folder: Path) -> dict[Path, tuple[int, bytes]]:
    """Return mode and contents of everything in a folder."""
    return {
        path: (path.stat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in folder.rglob("*")
    }


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return a complete home."""
    home = Home(tmp_path / "home")
    home.create(default_files())
    return home


@pytest.fixture
def unwritable(tmp_path: Path) -> Iterator[Path]:
    """Return a folder in which this process may not write, whoever it is."""
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    was_root = os.geteuid() == 0
    if was_root:
        os.seteuid(NOBODY)
    yield folder
    if was_root:
        os.seteuid(0)


def test_init_makes_a_complete_home(tmp_path: Path) -> None:
    """Everything that the bot expects is there, for its owner only, and the files load."""
    home = Home(tmp_path / "home")

    created = home.create(default_files())

    assert {*home.folders, home.env_file, home.instance_file, home.bot_file} <= set(created)
    assert set(created) == {home.path, *home.path.rglob("*")}
    assert {stat.S_IMODE(path.stat().st_mode) for path in home.folders} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in created if path.is_file()} == {0o600}
    assert load_bot(home.bot_file).web.port == 8787
    assert load_venue(home.venue_file("kalshi")).risk.max_order_usd == 25 * 10**12
    home.check_permissions()


def test_init_twice_changes_nothing(home: Home) -> None:
    """The second init finds nothing to do and writes nothing, not even in passing."""
    before = snapshot(home.path)
    for folder in home.folders:
        os.utime(folder, (0, 0))

    assert home.create(default_files()) == ()
    assert before == snapshot(home.path)
    assert {folder.stat().st_mtime for folder in home.folders} == {0}


def test_init_mends_but_keeps_what_was_edited(home: Home) -> None:
    """A lost folder comes back; an edited file and the instance id stay."""
    home.bot_file.write_text("web: {port: 1234}\n")
    home.outbox_dir.rmdir()
    instance = home.instance()

    assert home.create(default_files()) == (home.outbox_dir,)
    assert load_bot(home.bot_file).web.port == 1234
    assert home.instance() == instance


def test_no_two_homes_share_an_instance_id(tmp_path: Path) -> None:
    """A fresh home can never repeat an order id of an old one."""
    homes = [Home(tmp_path / name) for name in ("a", "b")]
    for home in homes:
        home.create({})

    assert len({home.instance() for home in homes}) == 2
    assert {len(home.instance()) for home in homes} == {16}


@pytest.mark.parametrize("text", ["", "short\n", "0123456789abcdeX\n", "0123456789abcdef\n\n", "é"])
def test_a_damaged_instance_id_is_refused(home: Home, text: str) -> None:
    """No order id is built on a guess."""
    home.instance_file.write_text(text, encoding="utf-8")

    with pytest.raises(HomeError, match="instance"):
        home.instance()


def test_an_unwritable_home_is_refused_plainly(unwritable: Path) -> None:
    """The error names the folder and what to do."""
    with pytest.raises(HomeError, match="cannot be created") as caught:
        Home(unwritable / "home").create(default_files())

    assert str(unwritable) in str(caught.value)
    assert "--home" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_in_the_way_is_refused_plainly(tmp_path: Path) -> None:
    """A home cannot be where a file is, nor below one."""
    (tmp_path / "file").write_text("x")

    with pytest.raises(HomeError, match="a file is in the way"):
        Home(tmp_path / "file").create({})
    with pytest.raises(HomeError, match="cannot be created"):
        Home(tmp_path / "file" / "home").create({})


def test_a_failed_write_leaves_no_half_file(tmp_path: Path) -> None:
    """A settings file appears whole or not at all, and nothing is left beside it."""
    home = Home(tmp_path / "home")
    home.create({})
    (home.config_dir / "kalshi.yaml").symlink_to(tmp_path / "nowhere")

    assert home.create({"kalshi.yaml": b"x"}) == ()
    assert not (tmp_path / "nowhere").exists()
    assert {path.name for path in home.config_dir.iterdir()} == {"instance", "kalshi.yaml"}


@pytest.mark.parametrize("venue", ["../x", "a/b", "", "A", "x.y", "a\n", "ä"])
def test_a_venue_name_cannot_leave_the_folder(home: Home, venue: str) -> None:
    """Only plain names become paths."""
    with pytest.raises(HomeError, match="not the name of a venue"):
        home.venue_file(venue)


@pytest.mark.parametrize(
    ("name", "mode", "cure"),
    [
        (".env", 0o640, "chmod go-rwx"),
        (".env", 0o604, "chmod go-rwx"),
        ("outbox", 0o750, "chmod go-rwx"),
        ("config", 0o720, "chmod go-w"),
        ("config/bot.yaml", 0o602, "chmod go-w"),
        ("state", 0o702, "chmod go-w"),
    ],
)
def test_a_home_open_to_others_is_refused(home: Home, name: str, mode: int, cure: str) -> None:
    """Secrets nobody else reads, settings nobody else writes."""
    (home.path / name).chmod(mode)

    with pytest.raises(HomeError) as caught:
        home.check_permissions()

    assert f"run `{cure} {home.path / name}`" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_settings_may_be_readable(home: Home) -> None:
    """Settings are no secret."""
    home.bot_file.chmod(0o644)
    home.config_dir.chmod(0o755)

    home.check_permissions()


def write_env(folder: Path, text: str, mode: int = 0o600) -> Path:
    """Write a file of secrets."""
    path = folder / ".env"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_secrets_are_read_as_written(tmp_path: Path) -> None:
    """Quotes, comments and dollar signs mean what they usually mean; nothing is expanded."""
    secrets = load_secrets(
        write_env(tmp_path, "# c\n\nA=one\nexport B=\"two words\"\nC='$A ${B}'\nD=x=y # z\n")
    )

    assert dict(secrets) == {"A": "one", "B": "two words", "C": "$A ${B}", "D": "x=y"}
    assert secrets.require("A") == "one"


def test_the_template_holds_no_secret(home: Home) -> None:
    """A fresh home trades on paper without any key."""
    assert dict(load_secrets(home.env_file)) == {}


def test_no_file_means_no_secrets(tmp_path: Path) -> None:
    """Paper trading needs none; asking for one says what to do."""
    secrets = load_secrets(tmp_path / ".env")

    with pytest.raises(SecretsError, match=r"add a line KALSHI_KEY=… to the file \.env"):
        secrets.require("KALSHI_KEY")


def test_secrets_are_never_shown() -> None:
    """Neither printing nor copying gives a value away."""
    secrets = Secrets({"A": "hunter2"})

    assert "hunter2" not in f"{secrets!r} {secrets} {[secrets]}"
    assert repr(secrets) == "Secrets(A=***)"
    with pytest.raises(TypeError, match="not copied"):
        secrets.__reduce__()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_secrets_that_others_can_read_are_refused(tmp_path: Path, mode: int) -> None:
    """The file is for its owner only."""
    path = write_env(tmp_path, "A=hunter2\n", mode)

    with pytest.raises(SecretsError, match="run `chmod 600 ") as caught:
        load_secrets(path)

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("A=1\n\n# c\nhunter2\n", ".env:4: not a line like NAME=value"),
        ("A=1\nB='hunter2\n", ".env:2: not a line like NAME=value"),
        ("A=1\nA=hunter2\n", ".env:2: A is given twice"),
        ("A=" + "x" * 70_000, ".env: larger than 64 KB"),
    ],
)
def test_damaged_secrets_are_refused_by_line(tmp_path: Path, text: str, where: str) -> None:
    """The line is named and its contents are not."""
    with pytest.raises(SecretsError) as caught:
        load_secrets(write_env(tmp_path, text))

    assert where in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_secrets_that_are_not_text_are_refused(tmp_path: Path) -> None:
    """The bytes of a bad file do not get into the error."""
    path = write_env(tmp_path, "")
    path.write_bytes(b"A=hunter2\xff\n")

    with pytest.raises(SecretsError, match=r"cannot be read \(UnicodeDecodeError\)") as caught:
        load_secrets(path)

    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
