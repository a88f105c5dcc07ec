"""What the pages say is true: links lead somewhere, and commands run."""

from __future__ import annotations

import functools
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from market_bot.bootstrap import demo_run
from market_bot.bootstrap.cli import demo_command, main
from market_bot.bootstrap.cli.app import app
from tests.fakes.pages import DOCS, EVERY, PAGES, ROOT, source, written

# The used home is made once, not once for each worker.
pytestmark = pytest.mark.xdist_group("docs")

LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
INLINE = re.compile(r"`market-bot ([a-z][^`]*)`")
SETTING = re.compile(r"^(?:[A-Z_]+=\S* )+")

# What starts a line that is a command, and who runs such a command.
PROGRAMS = {
    "market-bot": "parsed by the program itself, and run by what RUN_BY names",
    "make": "looked up in the Makefile; CI runs `make test`, and RUN_BY what `make run` starts",
    "deploy/deploy.sh": "tests/integration/test_deploy.py deploys to this machine",
    "python": "tests/integration/test_examples.py runs the examples",
    "pip": "tests/integration/test_examples.py installs a package",
    "ssh": "needs another machine",
    "scp": "needs another machine",
    "rsync": "needs another machine",
    "git": "needs the address of a repository",
    "sudo": "needs a service that is installed; what it starts is parsed",
    "systemctl": "needs a service that is installed",
    "journalctl": "needs a service that is installed",
    "timedatectl": "sets the clock of the machine",
    "crontab": "changes what the machine does",
    "du": "the system's own",
    "mv": "the system's own",
    "cp": "the system's own",
    "chmod": "the system's own",
    "touch": "the system's own",
    "curl": "the system's own",
    "openssl": "the system's own",
}

# Commands that are shown but not run by this file: the test that does, with all their words.
RUN_BY = {
    "backup": "integration/test_backup.py",
    "config restore": "integration/test_hot_reload.py",
    "demo": "integration/test_docs.py",
    "eval": "integration/test_night.py",
    "halt": "integration/test_control_socket.py",
    "import": "integration/test_import_cli.py",
    "init": "integration/test_run.py",
    "journal export": "integration/test_docs.py",
    "live": "integration/test_live_money.py",
    "proposals approve": "integration/test_night.py",
    "proposals reject": "integration/test_night.py",
    "proposals show": "integration/test_night.py",
    "record": "integration/test_recording.py",
    "restore": "integration/test_backup.py",
    "resume": "integration/test_control_socket.py",
    "run": "integration/test_run.py",
    "status": "integration/test_control_socket.py",
    "trials scorecard": "integration/test_trials.py",
    "trials show": "integration/test_trials.py",
    "web link": "integration/test_dashboard.py",
    "web password": "integration/test_dashboard.py",
    "why": "integration/test_docs.py",
}


# -- links ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of a page points to a file that exists."""
    text = page.read_text(encoding="utf-8")
    targets = [target for target in LINK.findall(text) if "://" not in target]

    missing = [target for target in targets if not (page.parent / target).exists()]

    assert [] == missing


# -- commands ------------------------------------------------------------------------------------


def _prompted() -> list[str]:
    lines = [line for block in written("console") for line in block.text.splitlines()]
    return list(dict.fromkeys(line[2:] for line in lines if line.startswith("$ ")))


def _shown() -> Iterator[tuple[str, str]]:
    """Yield every command that is shown without a prompt, with its page."""
    for block in EVERY:
        if block.language not in ("", "sh", "text", "console"):
            continue
        for line in block.text.replace("\\\n", " ").splitlines():
            command = SETTING.sub("", line.strip())
            sure = block.language == "sh" and command and not command.startswith("#")
            if sure or command.partition(" ")[0] in PROGRAMS:
                yield block.page, command


def _told_to_the_bot(command: str) -> list[str] | None:
    """Return the words for the bot in a command, or None if it does not start the bot."""
    words = shlex.split(command, comments=True)
    if words[0] == "make":
        arguments = [word.partition("=")[2] for word in words if word.startswith("ARGS=")]
        given = shlex.split(arguments[0]) if arguments else []
        if words[1] != "run":
            return None
        return given if given and not given[0].startswith("-") else ["run", *given]
    starts = [n for n, word in enumerate(words) if Path(word).name == "market-bot"]
    if words[0] in ("market-bot", "sudo") and starts:
        return words[starts[-1] + 1 :]
    return None


def _name(words: list[str]) -> str:
    names, _, _ = app.parse_commands(words)
    return " ".join(name for name in names if not name.startswith("-"))


SHOWN = list(_shown())
TOLD = [(page, words) for page, line in SHOWN if (words := _told_to_the_bot(line)) is not None]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home in which the sample market was traded."""
    place = tmp_path_factory.mktemp("docs") / "home"
    assert 0 == main(["run", "--tape", "sample", "--no-web", "--home", str(place)])
    return place


@pytest.mark.parametrize("command", _prompted())
def test_commands_of_the_pages_run(
    command: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A command shown with a prompt succeeds on a home that was used once, and says no error."""
    program, *words = shlex.split(command)
    if "--home" in words:
        at = words.index("--home")
        del words[at : at + 2]

    code = main([*words, "--home", str(home)])

    assert "market-bot" == program
    assert (0, "") == (code, capsys.readouterr().err)


def test_the_program_starts_as_shown(home: Path) -> None:
    """What the others call in this process works as a program of its own too."""
    done = subprocess.run(
        [sys.executable, "-m", "market_bot", "journal", "at", "1", "--home", str(home)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (0, "") == (done.returncode, done.stderr)


def test_facts_lead_to_the_story_of_a_market(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`journal export` names a market that was traded, and `why` tells its story."""
    at = ["--home", str(home)]
    assert 0 == main(["journal", "export", "--format", "jsonl", "--type", "fill", *at])
    market = json.loads(capsys.readouterr().out.splitlines()[0])["data"]["market"]

    assert 0 == main(["why", market, *at])
    assert "fill" in capsys.readouterr().out


def test_the_demonstration_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`demo` trades, works on a night, leaves its report, and touches no home that is there."""
    monkeypatch.setattr(demo_run, "NIGHTS", 1)
    monkeypatch.setattr(demo_command, "make_demo", functools.partial(demo_run.make_demo, days=1))
    words = ["demo", "--stop", "--home", str(tmp_path / "demo")]

    assert 0 == main(words)
    assert capsys.readouterr().out.startswith("A demonstration: ")
    assert 1 == len(list((tmp_path / "demo/reports").glob("*.html")))
    assert 2 == main(words)
    assert "it is there already" in capsys.readouterr().err


def test_every_program_is_known() -> None:
    """Nobody is asked to type what no test knows about."""
    strange = [(page, line) for page, line in SHOWN if line.partition(" ")[0] not in PROGRAMS]

    assert [] == strange


@pytest.mark.parametrize("words", [pytest.param(w, id=f"{p}: {' '.join(w)}") for p, w in TOLD])
def test_commands_that_are_only_shown_are_understood(words: list[str]) -> None:
    """The program knows the command and takes every option and value as they are written."""
    if "--help" not in words:
        app.parse_args(words, exit_on_error=False, print_error=False)


def test_commands_that_are_only_shown_are_run_by_another_test() -> None:
    """Each is named by the test that runs it, and that test has its words."""
    run_here = {_name(shlex.split(line)[1:]) for line in _prompted()}
    shown = {_name(words) for _, words in TOLD} - run_here
    unproven = [
        name
        for name in shown
        if not all(f'"{word}"' in source(RUN_BY.get(name)) for word in name.split())
    ]

    assert [] == sorted(unproven)
    assert set() == set(RUN_BY) - shown


def test_commands_named_in_sentences_exist() -> None:
    """A command in the middle of a sentence is one the program has."""
    unknown = [
        (page.name, told)
        for page in PAGES
        for told in INLINE.findall(page.read_text(encoding="utf-8"))
        if not _name(told.split()[:2])
    ]

    assert [] == unknown


def test_make_targets_exist() -> None:
    """Whatever `make` is told to do is a target of the Makefile."""
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    used = {line.split()[1] for _, line in SHOWN if line.startswith("make ")}

    assert set() == used - set(targets)


def test_every_command_is_listed() -> None:
    """The page of commands names each command the program has."""
    text = (DOCS / "reference/commands.md").read_text(encoding="utf-8")
    names = {name for name in app if not name.startswith("-")}

    assert set() == {name for name in names if f"`{name}" not in text}
