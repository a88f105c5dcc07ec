"""Every command with its options; the work is done elsewhere and imported when it is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

import market_bot

DEFAULT_HOME = Path("market-bot-home")
Home = Annotated[Path, Parameter(name="--home", help="The bot's home directory.")]
Json = Annotated[bool, Parameter(name="--json", negative=(), help="Print JSON for scripts.")]
ChainName = Annotated[
    str | None,
    Parameter(name="--chain", help="venue/lane[/run]; needed when there are several."),
]

app = App(
    name="market-bot",
    help="Trade prediction markets on paper, see why, and improve. Not financial advice.",
    version=market_bot.__version__,
    help_format="plaintext",
)
journal = App(name="journal", help="Read, check and prove what was written down.")
config = App(name="config", help="Look at the settings in force.")
app.command(journal)
proposals = App(name="proposals", help="Changes of the settings that the bot proposes.")
web = App(name="web", help="Reach and protect the dashboard.")
app.command(config)
app.command(proposals)
trials = App(name="trials", help="Changes under watch, and what came of them.")
app.command(trials)
app.command(web)


@app.command
def run(
    *,
    home: Home = DEFAULT_HOME,
    venue: Annotated[list[str] | None, Parameter(negative_iterable=())] = None,
    tape: Annotated[
        list[Path] | None, Parameter(consume_multiple=True, negative_iterable=())
    ] = None,
    host: str | None = None,
    port: int | None = None,
    no_web: Annotated[bool, Parameter(negative=())] = False,
    ticks: int | None = None,
    seed: int | None = None,
    speed: float | None = None,
    fresh: Annotated[bool, Parameter(negative=())] = False,
    json: Json = False,
    log_json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Trade, with a page on this machine to watch it; on paper unless you arm it.

    Without a tape or a venue the bot trades its own simulated venue. With a venue it trades live
    prices, on paper; `mode: live` in its settings and `market-bot live` make the orders real.

    Args:
        home: The bot's home directory; made if it is not there.
        venue: Live prices of these venues, each named once: kalshi, simulated.
        tape: Trade recorded data instead, to its end, as fast as it goes; "sample" comes with it.
        host: Address of the page; this machine only. It is served while the bot runs.
        port: Port of the page.
        no_web: Do without the page.
        ticks: Stop in order after so many ticks; the next run goes on from there.
        seed: Which simulated world; without it the first one that is not traded to its end.
        speed: How many times faster than its own clock; 0 is as fast as it goes. Without it
            1440 for a simulated world (a day a minute), and 0 for tapes and with --json.
        fresh: Trade again what was traded to the end already.
        json: Print the summary as JSON and nothing else.
        log_json: Write what happens to standard error as well, a line of JSON each.

    """
    from market_bot.bootstrap.run_command import run as work
    from market_bot.bootstrap.run_options import RunOptions

    options = RunOptions(
        home=home,
        venues=tuple(venue or ()),
        tapes=tuple(tape or ()),
        host=host,
        port=port,
        web=not no_web,
        ticks=ticks,
        seed=seed,
        speed=speed,
        fresh=fresh,
        json=json,
        log_json=log_json,
    )
    return work(options)


@app.command
def init(*, home: Home = DEFAULT_HOME, json: Json = False) -> int:
    """Make a home directory with commented settings; nothing that exists is changed."""
    from market_bot.bootstrap.cli.home_commands import init as work

    return work(home, json=json)


@app.command
def doctor(
    *,
    home: Home = DEFAULT_HOME,
    venue: Annotated[list[str] | None, Parameter(negative_iterable=())] = None,
    notify: Annotated[bool, Parameter(negative=())] = False,
    json: Json = False,
) -> int:
    """Check everything that a run needs, and say how to mend what is wrong.

    Args:
        home: The bot's home directory.
        venue: Look over these venues too: connection, clock, key, a signed read, limits.
        notify: Send a message by every way that is configured, and say what became of it.
        json: Print JSON for scripts.

    """
    from market_bot.bootstrap.cli.doctor_command import doctor as work

    return work(home, tuple(dict.fromkeys(venue or ())), notify=notify, json=json)


@app.command
def backup(
    file: Path,
    /,
    *,
    home: Home = DEFAULT_HOME,
    secrets: Annotated[bool, Parameter(negative=())] = False,
    tapes: Annotated[bool, Parameter(negative=())] = False,
    json: Json = False,
) -> int:
    """Write settings and journals into one file, also while the bot runs; nothing is overwritten.

    Args:
        file: The new file, such as market-bot-2026-11-23.tar.gz.
        home: The bot's home directory.
        secrets: Add the file of the keys: keep such a backup as you keep them.
        tapes: Add recorded market data.
        json: Print JSON for scripts.

    """
    from market_bot.bootstrap.cli.backup_commands import backup as work

    return work(home, file, secrets=secrets, tapes=tapes, json=json)


@app.command(name="restore")
def restore_home(file: Path, /, *, home: Home, json: Json = False) -> int:
    """Put a backup into a home that does not exist yet, and check its journals.

    Args:
        file: What `market-bot backup` has written.
        home: The new home.
        json: Print JSON for scripts.

    """
    from market_bot.bootstrap.cli.backup_commands import restore as work

    return work(file, home, json=json)


@app.command
def live(
    *,
    venue: str,
    home: Home = DEFAULT_HOME,
    minutes: int = 480,
    disarm: Annotated[bool, Parameter(negative=())] = False,
    accept: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Let the running bot trade real money, after you have typed what that may cost.

    Only at a terminal, only with `mode: live` in the venue's settings, and only while journal and
    account agree. It ends by itself, at a halt, and whenever the bot starts again.

    Args:
        venue: Which venue.
        home: The bot's home directory.
        minutes: For how long, at most 1440.
        disarm: Take it back instead: nothing is opened from then on.
        accept: First take the account as it is: money counts as put in or taken out, and what it
            holds no longer as sold by you.

    """
    from market_bot.bootstrap.cli.live_command import live as work

    return work(home, venue, minutes=minutes, disarm=disarm, accept=accept)


@app.command
def status(*, home: Home = DEFAULT_HOME, json: Json = False) -> int:
    """Show what the running bot is doing."""
    from market_bot.bootstrap.cli.control_commands import status as work

    return work(home, json=json)


@app.command
def halt(*, home: Home = DEFAULT_HOME, reason: str = "operator", json: Json = False) -> int:
    """Open no position from now on, also after a restart; exits and cancels go on."""
    from market_bot.bootstrap.cli.control_commands import halt as work

    return work(home, reason, json=json)


@app.command
def resume(*, home: Home = DEFAULT_HOME, json: Json = False) -> int:
    """Lift a halt."""
    from market_bot.bootstrap.cli.control_commands import resume as work

    return work(home, json=json)


@app.command
def flatten(*, home: Home = DEFAULT_HOME, json: Json = False) -> int:
    """Halt, cancel what waits, and sell everything held at what is bid for it."""
    from market_bot.bootstrap.cli.control_commands import flatten as work

    return work(home, json=json)


@app.command
def why(
    market: str, /, *, home: Home = DEFAULT_HOME, chain: ChainName = None, json: Json = False
) -> int:
    """Tell why a market was or was not traded: its facts in order."""
    from market_bot.bootstrap.cli.journal_commands import why as work

    return work(home, chain, market, json=json)


@app.command
def advise(*, home: Home = DEFAULT_HOME, venue: str | None = None, json: Json = False) -> int:
    """Say what leaks in a lane's last day and what the advisor would change; nothing is changed.

    Args:
        home: The bot's home directory.
        venue: Which venue; without it the lane written last.
        json: Print JSON for scripts.

    """
    from market_bot.bootstrap.cli.advise_command import advise as work

    return work(home, venue, json=json)


@app.command(name="eval")
def eval_(
    *,
    home: Home = DEFAULT_HOME,
    chain: ChainName = None,
    at: str | None = None,
    dry_run: Annotated[bool, Parameter(negative=())] = False,
    json: Json = False,
) -> int:
    """Work on a lane's night now: what leaks, why, and what is proposed; once per UTC date.

    Args:
        home: The bot's home directory.
        chain: Which lane, as venue/lane[/run]; without it the one written last.
        at: The night that was due at this moment, ISO 8601 with a zone; without it the last one.
        dry_run: Show what would come of it, also of a night that is over; nothing is written.
        json: Print the report as JSON and nothing else.

    """
    from market_bot.bootstrap.cli.eval_command import evaluate as work

    return work(home, chain, at, dry_run=dry_run, json=json)


@app.command
def demo(
    *,
    home: Home = Path("market-bot-demo"),
    port: int | None = None,
    no_web: Annotated[bool, Parameter(negative=())] = False,
    stop: Annotated[bool, Parameter(negative=())] = False,
    json: Json = False,
) -> int:
    """Show the whole loop: 28 simulated days with a leak, the night that finds it, a proposal.

    Args:
        home: Where the demonstration's home is made; it must not be there yet.
        port: Port of the page.
        no_web: Do without the page.
        stop: Only make the home; without it the bot trades on in it.
        json: Print what came of it as JSON and nothing else.

    """
    from market_bot.bootstrap.cli.demo_command import demo as work

    return work(home, port=port, web=not no_web, stop=stop, json=json)


@app.command(name="import")
def import_(
    format: Literal[  # noqa: A002 - the word people know
        "kalshi-ws", "kalshi-bbo", "polymarket-ticks", "polymarket-quotes", "polymarket-5m"
    ],
    files: Annotated[list[Path], Parameter(negative_iterable=())],
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    metadata: Annotated[
        list[Path] | None, Parameter(consume_multiple=True, negative_iterable=())
    ] = None,
    outcomes: Annotated[
        list[Path] | None, Parameter(consume_multiple=True, negative_iterable=())
    ] = None,
    zone: str | None = None,
    json: Json = False,
) -> int:
    """Turn recorded market files into a tape.

    Args:
        format: What the files are.
        files: The recorded files.
        output: The tape to write; an existing one is replaced only when the import succeeded.
        metadata: Files that describe the markets.
        outcomes: Files that say how the markets ended.
        zone: Time zone of kalshi-bbo files, such as America/New_York; UTC without it.
        json: Print the report as JSON.

    """
    from market_bot.bootstrap.cli.import_command import import_files

    return import_files(
        format,
        tuple(files),
        output,
        metadata=tuple(metadata or ()),
        outcomes=tuple(outcomes or ()),
        zone=zone,
        json=json,
    )


@app.command
def record(
    *,
    home: Home = DEFAULT_HOME,
    venue: str = "simulated",
    ticks: int | None = None,
    speed: float | None = None,
    seed: int = 0,
    json: Json = False,
) -> int:
    """Record market data onto tapes and do nothing else; `run` records as well while it trades.

    Args:
        home: The bot's home directory; made if it is not there.
        venue: Which venue.
        ticks: Stop after so many looks at the markets.
        speed: How many times faster than its own clock; without it or with 0 a simulated world
            goes as fast as it can.
        seed: Which simulated world.
        json: Print the numbers as JSON and nothing else.

    """
    from market_bot.bootstrap.cli.record_command import record_venue
    from market_bot.bootstrap.record_run import RecordOptions

    return record_venue(
        RecordOptions(home=home, venue=venue, ticks=ticks, speed=speed, seed=seed, json=json)
    )


@app.command
def replay(
    *,
    home: Home = DEFAULT_HOME,
    tape: Annotated[
        list[Path] | None, Parameter(consume_multiple=True, negative_iterable=())
    ] = None,
    chain: ChainName = None,
    config: Path | None = None,
    set: Annotated[list[str] | None, Parameter(negative_iterable=())] = None,  # noqa: A002 - the word people know
    variant: Annotated[list[str] | None, Parameter(negative_iterable=())] = None,
    strategy: str | None = None,
    models: Annotated[
        list[Literal["all", "pessimistic", "realistic", "optimistic"]] | None,
        Parameter(consume_multiple=True, negative_iterable=()),
    ] = None,
    html: Path | None = None,
    tried: int = 0,
    fidelity: Annotated[bool, Parameter(negative=())] = False,
    check_lookahead: Annotated[bool, Parameter(negative=())] = False,
    cuts: int = 5,
    json: Json = False,
) -> int:
    """Show what the settings, and changes of them, would have done on recorded data.

    Everything goes through the tapes in one pass, on paper, beside each other.

    Args:
        home: The bot's home directory; its settings for the tapes' venue are the base.
        tape: Tapes in the order of playing, or a folder of recorded ones; "sample" comes with it.
        chain: venue/lane/run: replay that lane's own tapes and settings, and measure its fidelity.
        config: A venue's settings file to take as the base instead.
        set: PATH=VALUE, any number of times: one variant with all of these changes.
        variant: "NAME: PATH=VALUE, PATH=VALUE", any number of times: one more variant each.
        strategy: Trade this strategy alone.
        models: Fill models; without it all three, which makes the band of results.
        html: Write a page with plots to this file.
        tried: How many variants were tried on these days before, so that luck is not believed.
        fidelity: Only count how many of a lane's decisions are decided again.
        check_lookahead: Only check that no decision changes when the future is taken away.
        cuts: In how many places it is taken away.
        json: Print the result as JSON and nothing else.

    """
    from market_bot.bootstrap.cli.replay_command import ReplayRequest
    from market_bot.bootstrap.cli.replay_command import replay as work

    return work(
        ReplayRequest(
            home=home,
            tapes=tuple(tape or ()),
            chain=chain,
            config=config,
            sets=tuple(set or ()),
            variants=tuple(variant or ()),
            strategy=strategy,
            models=tuple(models or ()),
            html=html,
            tried=tried,
            fidelity=fidelity,
            lookahead=check_lookahead,
            cuts=cuts,
            json=json,
        )
    )


@journal.command
def verify(
    *,
    home: Home = DEFAULT_HOME,
    chain: ChainName = None,
    full: Annotated[bool, Parameter(negative=())] = False,
    anchors: Annotated[bool, Parameter(negative=())] = False,
    json: Json = False,
) -> int:
    """Check hashes, order and completeness, from the newest checkpoint on or in full.

    Args:
        home: The bot's home directory.
        chain: venue/lane[/run]; all of them without it.
        full: From the first line on.
        anchors: And that every line noted in the home's anchors.jsonl is still there.
        json: Print JSON for scripts.

    """
    from market_bot.bootstrap.cli.journal_commands import verify as work

    return work(home, chain, full=full, anchors=anchors, json=json)


@journal.command
def prove(
    *,
    home: Home = DEFAULT_HOME,
    chain: ChainName = None,
    tape: Annotated[
        list[Path] | None, Parameter(consume_multiple=True, negative_iterable=())
    ] = None,
    json: Json = False,
) -> int:
    """Derive a recorded run again from its tape and compare every decision.

    Args:
        home: The bot's home directory.
        chain: Which run; needed when there are several.
        tape: Where the tapes lie now, if they were moved.
        json: Print JSON for scripts.

    """
    from market_bot.bootstrap.cli.journal_commands import prove as work

    return work(home, chain, tuple(tape or ()), json=json)


@journal.command
def tail(
    *, home: Home = DEFAULT_HOME, chain: ChainName = None, count: int = 20, json: Json = False
) -> int:
    """Show the last lines."""
    from market_bot.bootstrap.cli.journal_commands import tail as work

    return work(home, chain, count, json=json)


@journal.command
def stats(*, home: Home = DEFAULT_HOME, chain: ChainName = None, json: Json = False) -> int:
    """Count facts by type, day, strategy and refusing gate."""
    from market_bot.bootstrap.cli.journal_commands import stats as work

    return work(home, chain, json=json)


@journal.command
def at(
    seq: int, /, *, home: Home = DEFAULT_HOME, chain: ChainName = None, json: Json = False
) -> int:
    """Show one line by its sequence number."""
    from market_bot.bootstrap.cli.journal_commands import at as work

    return work(home, chain, seq, json=json)


@journal.command
def export(
    *,
    home: Home = DEFAULT_HOME,
    chain: ChainName = None,
    format: Literal["csv", "jsonl"] = "csv",  # noqa: A002 - the word people know
    type: Annotated[  # noqa: A002 - the word of the journal
        list[str] | None, Parameter(consume_multiple=True, negative_iterable=())
    ] = None,
    since: str | None = None,
    until: str | None = None,
) -> int:
    """Print facts as a table or as JSON lines.

    Args:
        home: The bot's home directory.
        chain: Which chain; needed when there are several.
        format: csv or jsonl.
        type: Only facts of these types.
        since: First moment, ISO 8601 with a zone.
        until: First moment no longer included.

    """
    from market_bot.bootstrap.cli.journal_commands import export as work

    return work(home, chain, format, tuple(type or ()), since, until)


@config.command
def show(venue: str = "simulated", /, *, home: Home = DEFAULT_HOME, json: Json = False) -> int:
    """Print a venue's settings as the bot understands them, and their hash."""
    from market_bot.bootstrap.cli.home_commands import show as work

    return work(home, venue, json=json)


@config.command
def history(venue: str = "simulated", /, *, home: Home = DEFAULT_HOME, json: Json = False) -> int:
    """Print the settings a venue was traded with: since when, by whom, and what changed.

    Args:
        venue: Which venue.
        home: The bot's home directory.
        json: Print JSON for scripts.

    """
    from market_bot.adapters.storage.home import Home as Place
    from market_bot.bootstrap.cli.config_commands import history as work

    return work(Place(home), venue, json=json)


@config.command
def restore(
    version: str,
    /,
    *,
    venue: str = "simulated",
    home: Home = DEFAULT_HOME,
    dry_run: Annotated[bool, Parameter(negative=())] = False,
    json: Json = False,
) -> int:
    """Put an earlier version of a venue's settings back, byte for byte; a running bot follows.

    Args:
        version: The beginning of a version from `config history`, or the hash of its settings.
        venue: Which venue.
        home: The bot's home directory.
        dry_run: Only show what would change.
        json: Print JSON for scripts.

    """
    from market_bot.adapters.storage.home import Home as Place
    from market_bot.bootstrap.cli.config_commands import restore as work

    return work(Place(home), version, venue, dry_run=dry_run, json=json)


@proposals.command
def knobs(
    *,
    home: Home = DEFAULT_HOME,
    venue: str | None = None,
    json: Json = False,
) -> int:
    """Print every number that a proposal can be about, with its bounds; nothing else can be.

    Args:
        home: The bot's home directory.
        venue: Only what this venue's file has, with its value and what that may become next.
        json: Print JSON for scripts.

    """
    from market_bot.bootstrap.cli.proposals_command import knobs as work

    return work(home, venue, json=json)


@proposals.command(name="list")
def list_(
    *,
    home: Home = DEFAULT_HOME,
    all: Annotated[bool, Parameter(negative=())] = False,  # noqa: A002 - the word people know
    json: Json = False,
) -> int:
    """Print the proposals that wait for you.

    Args:
        home: The bot's home directory.
        all: Those that are decided as well.
        json: Print JSON for scripts.

    """
    from market_bot.bootstrap.cli.proposals_command import show_all as work

    return work(home, every=all, json=json)


@proposals.command(name="show")
def show_proposal(proposal: str, /, *, home: Home = DEFAULT_HOME, json: Json = False) -> int:
    """Print a proposal: why it is made, what its replay said, and the exact line it changes."""
    from market_bot.bootstrap.cli.proposals_command import show_one as work

    return work(home, proposal, json=json)


@proposals.command
def approve(
    proposal: str,
    /,
    *,
    home: Home = DEFAULT_HOME,
    yes: Annotated[bool, Parameter(negative=())] = False,
    json: Json = False,
) -> int:
    """Show the exact change and make it, after you have said yes.

    Args:
        proposal: Its id.
        home: The bot's home directory.
        yes: Do not ask.
        json: Print JSON for scripts.

    """
    from market_bot.bootstrap.cli.proposals_command import approve as work

    return work(home, proposal, yes=yes, json=json)


@proposals.command
def reject(
    proposal: str,
    /,
    *,
    reason: Literal[
        "not_convinced",
        "too_risky",
        "wrong_knob",
        "wrong_direction",
        "bad_moment",
        "cause_known",
        "other",
    ],
    note: str = "",
    home: Home = DEFAULT_HOME,
    json: Json = False,
) -> int:
    """Turn a proposal down; the bot learns from the reason.

    Args:
        proposal: Its id.
        reason: Why.
        note: A short line for people; no advisor ever reads it.
        home: The bot's home directory.
        json: Print JSON for scripts.

    """
    from market_bot.bootstrap.cli.proposals_command import reject as work

    return work(home, proposal, reason, note, json=json)


@trials.command(name="list")
def list_trials(*, home: Home = DEFAULT_HOME, json: Json = False) -> int:
    """Print every change that was tried, the newest last."""
    from market_bot.bootstrap.cli.trials_command import show_all as work

    return work(home, json=json)


@trials.command(name="show")
def show_trial(trial: str, /, *, home: Home = DEFAULT_HOME, json: Json = False) -> int:
    """Print one trial: its terms, its checks in words, its end and its results."""
    from market_bot.bootstrap.cli.trials_command import show_one as work

    return work(home, trial, json=json)


@trials.command(name="scorecard")
def trial_scores(*, home: Home = DEFAULT_HOME, json: Json = False) -> int:
    """Print how good each proposer was: hits, misses, and what a week brought."""
    from market_bot.bootstrap.cli.trials_command import scorecard as work

    return work(home, json=json)


@web.command
def link(*, home: Home = DEFAULT_HOME, json: Json = False) -> int:
    """Print an address that logs in to the running bot's dashboard once, within the hour."""
    from market_bot.bootstrap.cli.web_commands import link as work

    return work(home, json=json)


@web.command
def password(
    *, home: Home = DEFAULT_HOME, remove: Annotated[bool, Parameter(negative=())] = False
) -> int:
    """Set the dashboard's password; it is asked for twice, or read from standard input.

    Args:
        home: The bot's home directory.
        remove: Have no password any more; links still log in.

    """
    from market_bot.bootstrap.cli.web_commands import password as work

    return work(home, remove=remove)
