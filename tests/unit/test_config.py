"""What the settings accept, and the one line they answer to each mistake."""

from decimal import Decimal
from pathlib import Path

import attrs
import pytest

from market_bot.config import (
    ConfigError,
    Mode,
    canonical,
    config_hash,
    from_canonical,
    load_bot,
    load_venue,
    parse_bot,
    parse_venue,
    read_venue,
    structure_params,
)
from market_bot.config.schema import MarketFilters
from market_bot.core.domain.numbers import Money, Price, Probability, money

VENUE = """\
mode: paper
paper:
  cash: 1000
markets:
  families_include: [KXHIGHNY, "010"]
  price_min: 0.05
strategies:
  - name: bias_harvest
    params:
      min_edge: 0.01
      style: maker
sizing: {method: fixed, order_usd: "10.50"}
cooldown:
  after_entry_seconds: 60
  after_exit_seconds: 300
risk:
  max_order_usd: 25
  max_position_usd: 50
  max_total_exposure_usd: 300
  max_daily_loss_usd: 40
  max_event_loss_usd: 100
  max_drawdown_usd: 100.5
  max_consecutive_losses: 10
  max_open_orders: 50
  max_orders_per_minute: 30
  max_price_distance: 0.10
  max_book_distance: 0.05
  max_book_age_seconds: 900
"""

BOT = """\
web:
  host: 127.0.0.1
  port: 8787
nightly:
  at: "00:30"
disk:
  stop_entries_below_mb: 500
"""


def complaints(data: bytes) -> tuple[str, ...]:
    """Return the lines that a venue's file is refused with."""
    with pytest.raises(ConfigError) as caught:
        parse_venue(data, "v.yaml")
    return caught.value.lines


def edited(text: str, old: str, new: str) -> bytes:
    """Return the text with its one ``old`` replaced."""
    assert text.count(old) == 1
    return text.replace(old, new).encode()


def test_a_good_file_is_read_exactly() -> None:
    """Amounts, prices and parameters keep the digits of the file."""
    config = parse_venue(VENUE.encode(), "v.yaml").config

    assert config.mode is Mode.PAPER
    assert config.sizing.order_usd == money("10.5")
    assert config.markets.price_min == 50_000
    assert config.markets.families_include == ("KXHIGHNY", "010")
    assert dict(config.strategies[0].params) == {"min_edge": Decimal("0.01"), "style": "maker"}
    assert config.risk.max_daily_loss_usd == money(40)
    assert config.loop.interval_ms == 1000


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        pytest.param(
            "max_order_usd: 25",
            "max_order_us: 25",
            "v.yaml:17:3 risk.max_order_us: unknown key: did you mean max_order_usd?",
            id="misspelt safety rule",
        ),
        pytest.param(
            "  cash: 1000",
            "  cash: 1000\n  cahs: 1",
            "v.yaml:4:3 paper.cahs: unknown key: did you mean cash?",
            id="unknown key with suggestion",
        ),
        pytest.param(
            "  cash: 1000",
            "  cash: 1000\n  zzz: 1",
            "v.yaml:4:3 paper.zzz: unknown key: known here: "
            "cash, fill_model, send_ms, cancel_ms, data_ms",
            id="unknown key without suggestion",
        ),
        pytest.param(
            "after_entry_seconds: 60",
            'after_entry_seconds: "60"',
            "v.yaml:14:24 cooldown.after_entry_seconds: must be a whole number, was text ('60')",
            id="wrong type",
        ),
        pytest.param(
            "after_entry_seconds: 60",
            "after_entry_seconds: 60.0",
            "v.yaml:14:24 cooldown.after_entry_seconds: must be a whole number, was a decimal"
            " (60.0)",
            id="decimal where a whole number is due",
        ),
        pytest.param(
            "after_entry_seconds: 60",
            "after_entry_seconds: true",
            "v.yaml:14:24 cooldown.after_entry_seconds: must be a whole number, was true or false"
            " (True)",
            id="true is not one",
        ),
        pytest.param(
            "name: bias_harvest",
            "name: 5",
            "v.yaml:8:11 strategies[0].name: must be text, was a whole number (5): put it in"
            " quotes",
            id="number where text is due",
        ),
        pytest.param(
            "mode: paper",
            "mode: papper",
            "v.yaml:1:7 mode: must be one of paper, live, was text ('papper'); did you mean paper?",
            id="not one of the words",
        ),
        pytest.param(
            "[KXHIGHNY,",
            "[7,",
            "v.yaml:5:22 markets.families_include[0]: must be text, was a whole number (7): put it"
            " in quotes",
            id="inside a list",
        ),
        pytest.param(
            '[KXHIGHNY, "010"]',
            "KXHIGHNY",
            "v.yaml:5:21 markets.families_include: must be a list, was text ('KXHIGHNY')",
            id="text where a list is due",
        ),
        pytest.param(
            "paper:\n  cash: 1000",
            "paper: 1000",
            "v.yaml:2:8 paper: must be a section of `key: value` lines, was a whole number (1000)",
            id="number where a section is due",
        ),
        pytest.param(
            "  cash: 1000",
            "  cash: 1000\n  cash: 2000",
            "v.yaml:4:3 paper.cash: given twice (first on line 3): delete one",
            id="duplicate key",
        ),
        pytest.param(
            "  max_order_usd: 25\n",
            "",
            "v.yaml:17:3 risk.max_order_usd: the safety rule max_order_usd is missing and the bot"
            ' does not start without it: add a line like `max_order_usd: "25"`',
            id="missing safety rule",
        ),
        pytest.param(
            VENUE[VENUE.index("risk:") :],
            "",
            "v.yaml:1:1 risk: the safety rules are missing and the bot does not start without"
            ' them: add `risk: {max_order_usd: "25", max_position_usd: "50",'
            ' max_event_loss_usd: "100", max_total_exposure_usd: "300", max_daily_loss_usd: "40",'
            ' max_drawdown_usd: "100", max_consecutive_losses: 10, max_open_orders: 50,'
            ' max_orders_per_minute: 30, max_price_distance: "0.10", max_book_distance: "0.05",'
            " max_book_age_seconds: 900}`",
            id="missing safety rules",
        ),
        pytest.param(
            "paper:\n  cash: 1000\n",
            "",
            'v.yaml:1:1 paper: missing: add a line like `paper: {cash: "1000"}`',
            id="missing section",
        ),
        pytest.param(
            "max_daily_loss_usd: 40",
            "max_daily_loss_usd: -40",
            "v.yaml:20:23 risk.max_daily_loss_usd: must be above 0 dollars",
            id="negative limit",
        ),
        pytest.param(
            "max_daily_loss_usd: 40",
            "max_daily_loss_usd: 0",
            "v.yaml:20:23 risk.max_daily_loss_usd: must be above 0 dollars",
            id="limit of zero",
        ),
        pytest.param(
            "max_price_distance: 0.10",
            "max_price_distance: 0",
            "v.yaml:26:23 risk.max_price_distance: a distance between prices is above 0 and at"
            " most 1 dollar",
            id="no price passes",
        ),
        pytest.param(
            "max_orders_per_minute: 30",
            "max_orders_per_minute: 601",
            "v.yaml:25:26 risk.max_orders_per_minute: must be from 1 to 600, was 601",
            id="more orders than are counted",
        ),
        pytest.param(
            "max_open_orders: 50",
            "max_open_orders: 0.5",
            "v.yaml:24:20 risk.max_open_orders: must be a whole number, was a decimal (0.5)",
            id="half an order",
        ),
        pytest.param(
            "max_daily_loss_usd: 40",
            "max_daily_loss_usd: null",
            "v.yaml:20:23 risk.max_daily_loss_usd: must be an amount in dollars, was nothing",
            id="limit of nothing",
        ),
        pytest.param(
            "max_daily_loss_usd: 40",
            "max_daily_loss_usd: 1e3",
            "v.yaml:20:23 risk.max_daily_loss_usd: 1e3 is not a plain decimal: write it out like"
            ' 1000 or 0.05, or "1e3" as text',
            id="exponent",
        ),
        pytest.param(
            "max_daily_loss_usd: 40",
            'max_daily_loss_usd: "1e3"',
            "v.yaml:20:23 risk.max_daily_loss_usd: must be an amount in dollars written out in"
            " full, like 12 or 0.05; was '1e3'",
            id="quoted exponent",
        ),
        pytest.param(
            "max_daily_loss_usd: 40",
            "max_daily_loss_usd: .inf",
            "v.yaml:20:23 risk.max_daily_loss_usd: .inf is not a plain decimal: write it out like"
            ' 1000 or 0.05, or ".inf" as text',
            id="infinity",
        ),
        pytest.param(
            "max_daily_loss_usd: 40",
            'max_daily_loss_usd: "NaN"',
            "v.yaml:20:23 risk.max_daily_loss_usd: must be an amount in dollars written out in"
            " full, like 12 or 0.05; was 'NaN'",
            id="not a number",
        ),
        pytest.param(
            "max_daily_loss_usd: 40",
            "max_daily_loss_usd: 0.0000000000001",
            "v.yaml:20:23 risk.max_daily_loss_usd: must be an amount in dollars with at most 12"
            " decimals, was 1E-13",
            id="too fine for money",
        ),
        pytest.param(
            "price_min: 0.05",
            "price_min: 0.0500001",
            "v.yaml:6:14 markets.price_min: must be a price in dollars with at most 6 decimals,"
            " was 0.0500001",
            id="too fine for a price",
        ),
        pytest.param(
            "price_min: 0.05",
            "price_min: 5",
            "v.yaml:6:14 markets.price_min: a price is from 0 to 1 dollar",
            id="cents for dollars",
        ),
        pytest.param(
            "price_min: 0.05",
            "price_min: 0.05\n  price_max: 0.01",
            "v.yaml:6:14 markets.price_min: is above price_max: nothing would pass",
            id="bounds crossed",
        ),
        pytest.param(
            "      style: maker",
            "      style: [maker]",
            "v.yaml:11:14 strategies[0].params.style: must be a single value, was a list",
            id="nested parameter",
        ),
        pytest.param(
            "    params:",
            "  - name: bias_harvest\n    params:",
            "v.yaml:9:11 strategies[1].name: bias_harvest is listed twice: delete one of them",
            id="strategy twice",
        ),
        pytest.param(
            "mode: paper",
            "api: {base_url: 'http://example.com'}",
            "v.yaml:1:17 api.base_url: write an address beginning with https:// (http:// on this"
            " machine only)",
            id="unprotected address",
        ),
        pytest.param(
            "mode: paper",
            "api: {ws_url: 'wss://me:secret@example.com'}",
            "v.yaml:1:15 api.ws_url: keys and passwords belong in .env, never here",
            id="password in an address",
        ),
    ],
)
def test_each_mistake_gets_one_line(old: str, new: str, line: str) -> None:
    """A mistake is answered with its place and what to do, and with nothing else."""
    assert complaints(edited(VENUE, old, new)) == (line,)


ANCHORS = "anchors (&) and aliases (*) are refused: write the value out"


@pytest.mark.parametrize(
    ("data", "line"),
    [
        pytest.param(
            b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
            f"v.yaml:1:4 a: {ANCHORS}",
            id="alias bomb",
        ),
        pytest.param(b"a: 1\nb: *a\n", f"v.yaml:2:4 b: {ANCHORS}", id="alias without anchor"),
        pytest.param(b"*a : 1\n", f"v.yaml:1:1: {ANCHORS}", id="alias as a key"),
        pytest.param(
            b"a: !!python/object/apply:os.system [id]\n",
            "v.yaml:1:4 a: tags (!) are refused: write the plain value",
            id="tag",
        ),
        pytest.param(
            b"a: !!str 5\n",
            "v.yaml:1:4 a: tags (!) are refused: write the plain value",
            id="standard tag",
        ),
        pytest.param(
            b"a:\n  <<: {b: 1}\n",
            "v.yaml:2:3 a: merge keys (<<) are refused: write the keys out",
            id="merge key",
        ),
        pytest.param(
            b"a: x\n---\nb: x\n",
            "v.yaml:2:1: a second document begins here: keep one per file",
            id="two documents",
        ),
        pytest.param(
            b"%YAML 1.1\n---\na: x\n",
            "v.yaml:1:1: directives (%YAML, %TAG) are not used here: delete the line",
            id="directive",
        ),
        pytest.param(
            b"a: x\nb: caf\xe9\n",
            "v.yaml:2:7: not UTF-8: save the file as UTF-8",
            id="not UTF-8",
        ),
        pytest.param(
            b"a: " + b"x" * 256 * 1024,
            "v.yaml:1:1: larger than 256 KB: this is not a settings file",
            id="oversize",
        ),
        pytest.param(
            b"a: x\nb: \x00\n",
            "v.yaml:2:4: character U+0000 is not allowed: delete it",
            id="control character",
        ),
        pytest.param(
            b'a: "\\uD800"\n',
            "v.yaml:1:4 a: holds a character that cannot be shown: delete it",
            id="half a character",
        ),
        pytest.param(
            b'a: x\nb: "\\UFFFFFFFF"\n',
            "v.yaml:2:1: an escape or a number near here is impossible: mend or delete it",
            id="impossible character",
        ),
        pytest.param(b"a:\n\tb: x\n", "v.yaml:2:1: tab character: use spaces", id="tab"),
        pytest.param(
            b"a: b: c\n",
            "v.yaml:1:5: a second ': ' on this line: put the text in quotes, or check the"
            " indentation",
            id="two colons",
        ),
        pytest.param(
            b"a: [x\n",
            "v.yaml:2:1: not readable as YAML: expected ',' or ']', but got '<stream end>'",
            id="unclosed list",
        ),
        pytest.param(
            b"1: x\n", "v.yaml:1:1 1: a key must be text: put it in quotes", id="number as a key"
        ),
        pytest.param(
            b"on: x\n",
            "v.yaml:1:1 on: write 'on' in quotes if it is text, else true",
            id="uncertain key",
        ),
        pytest.param(b"? [a]\n: x\n", "v.yaml:1:3: a key must be a single word", id="list as key"),
        pytest.param(b"?\n: x\n", "v.yaml:1:2: a key is missing before the colon", id="no key"),
        pytest.param(b"- a\n", "v.yaml:1:1: the file must hold `key: value` lines", id="a list"),
        pytest.param(b"hello\n", "v.yaml:1:1: the file must hold `key: value` lines", id="a word"),
        pytest.param(
            b" \n",
            "v.yaml:1:1: empty: write the settings, or delete the file and run `market-bot init`",
            id="empty",
        ),
        pytest.param(
            b"# nothing\n",
            "v.yaml:2:1: only comments: write the settings, or delete the file",
            id="comments",
        ),
        pytest.param(
            b"a: " + b"[" * 30 + b"]" * 30,
            "v.yaml:1:24: nested more than 20 deep: this is not a settings file",
            id="deep",
        ),
        pytest.param(
            b"a: [" + b"0," * 20_000 + b"]",
            "v.yaml:1:39999: more than 20000 values: this is not a settings file",
            id="many",
        ),
        pytest.param(
            b'"a\\nb": "x"\n"a\\nb": x\n',
            "v.yaml:2:1 'a\\nb': given twice (first on line 1): delete one",
            id="an error stays on its line",
        ),
    ],
)
def test_what_is_not_strict_yaml_gets_one_line(data: bytes, line: str) -> None:
    """What could surprise or overwhelm is refused where it stands."""
    assert complaints(data) == (line,)


QUOTES = "write '{0}' in quotes if it is text, else "
NUMBER = '{0} is not a plain decimal: write it out like 1000 or 0.05, or "{0}" as text'
TIME = 'times and dates need quotes: write "{0}"'


@pytest.mark.parametrize(
    ("word", "message"),
    [
        *((word, QUOTES + "false") for word in ("no", "No", "NO", "off", "n", "False")),
        *((word, QUOTES + "true") for word in ("yes", "Yes", "on", "ON", "y", "TRUE")),
        *((word, QUOTES + "null, or delete the line") for word in ("~", "Null", "NULL")),
        *((word, NUMBER) for word in ("010", "0o17", "0x1F", "0b1", "1_000", "1e3", "1.5E-3")),
        *((word, NUMBER) for word in ("+1", ".5", "5.", ".inf", "-.INF", ".NaN", "1_0.5", "00")),
        *((word, TIME) for word in ("00:30", "12:30:45", "1:2.5", "2026-11-22")),
        ("2026-11-22T00:30:00Z", TIME),
        ("=", 'readers of YAML disagree about {0}: write "{0}" in quotes'),
        ("1" * 31, "a number of more than 30 digits: write it in quotes if it is text"),
    ],
)
def test_uncertain_words_are_refused(word: str, message: str) -> None:
    """A word that readers of YAML understand differently is never guessed."""
    line = f"v.yaml:2:4 b: {message.format(word)}"

    assert complaints(f"a: x\nb: {word}\n".encode()) == (line,)


def test_a_key_without_a_value_is_refused() -> None:
    """Nothing is not zero, not false and not an empty list."""
    assert complaints(b"a: x\nb:\nc: x\n") == (
        "v.yaml:2:3 b: has no value: write one, or delete the line",
    )


@pytest.mark.parametrize(
    "word", ["nothing", "yesterday", "127.0.0.1", "1.2.3", "KXHIGHNY-26", "5m", "e3", "0xyz"]
)
def test_certain_words_are_text(word: str) -> None:
    """Words that every reader takes for text need no quotes, a quoted word never does."""
    for written in (word, f"'{word}'", f'"{word}"'):
        data = edited(VENUE, "[KXHIGHNY,", f"[{written},")

        assert parse_venue(data, "v").config.markets.families_include[0] == word


def test_every_fault_is_reported_at_once() -> None:
    """One run shows all that is wrong, in the order of the file."""
    text = (
        VENUE.replace("mode: paper", "mode: demo")
        .replace("min_edge: 0.01", "min_edge: []")
        .replace("max_order_usd: 25", "max_order_usd: -1")
        .replace("max_position_usd: 50", "max_position: 50")
    )

    lines = complaints(text.encode())

    assert [line.split(": ")[0] for line in lines] == [
        "v.yaml:1:7 mode",
        "v.yaml:10:17 strategies[0].params.min_edge",
        "v.yaml:17:18 risk.max_order_usd",
        "v.yaml:18:3 risk.max_position",
    ]


def test_a_hopeless_file_is_answered_briefly() -> None:
    """The number of lines has a limit."""
    lines = complaints(b"".join(b"k%d: no\n" % number for number in range(200)))

    assert len(lines) == 51
    assert lines[-1] == "v.yaml:51:6: and 150 more faults"


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        pytest.param(
            "host: 127.0.0.1",
            "host: 0.0.0.0",
            "bot.yaml:2:9 web.host: would let other machines reach the dashboard without TLS: use"
            " 127.0.0.1 and an SSH tunnel, or set tls_certificate and tls_key",
            id="open to the network",
        ),
        pytest.param(
            "host: 127.0.0.1",
            "host: bot.example.org",
            "bot.yaml:2:9 web.host: write the address of a network card of this machine, such as"
            " 127.0.0.1",
            id="a name for an address",
        ),
        pytest.param(
            "port: 8787",
            "names: [bot.example.org, 'x:1']",
            "bot.yaml:3:28 web.names[1]: write a name such as bot.example.org, without a port",
            id="a name with a port",
        ),
        pytest.param(
            "port: 8787",
            "tls_certificate: /x.pem",
            "bot.yaml:2:3 web.tls_key: goes with tls_certificate: set both, or none",
            id="a certificate without its key",
        ),
        pytest.param(
            "port: 8787", "port: 0", "bot.yaml:3:9 web.port: must be from 1 to 65535, was 0", id="0"
        ),
        pytest.param(
            'at: "00:30"',
            'at: "24:00"',
            'bot.yaml:5:7 nightly.at: write hours and minutes in UTC, in quotes, like "00:30"',
            id="no such hour",
        ),
        pytest.param(
            'at: "00:30"',
            "at: 00:30",
            'bot.yaml:5:7 nightly.at: times and dates need quotes: write "00:30"',
            id="unquoted time",
        ),
        pytest.param(
            "disk:\n",
            "disk:\n  stop_all_below_mb: 600\n",
            "bot.yaml:7:22 disk.stop_all_below_mb: is above stop_entries_below_mb: entries must"
            " stop first",
            id="thresholds crossed",
        ),
        pytest.param(
            "disk:\n",
            "notifications: {mail: x}\ndisk:\n",
            "bot.yaml:6:17 notifications.mail: unknown key: known here: channels, levels,"
            " most_per_hour, daily_at, link",
            id="no such key",
        ),
        pytest.param(
            "disk:\n",
            "notifications:\n  channels:\n    - name: phone\n      address: tgram://1:a/2\ndisk:\n",
            "bot.yaml:9:16 notifications.channels[0].address: write the name of a line of .env,"
            " like NOTIFY_PHONE; the address itself belongs there",
            id="an address with its token",
        ),
    ],
)
def test_mistakes_in_bot_yaml_get_one_line(old: str, new: str, line: str) -> None:
    """The bot's own file is read as strictly as a venue's."""
    with pytest.raises(ConfigError) as caught:
        parse_bot(edited(BOT, old, new), "bot.yaml")

    assert caught.value.lines == (line,)


@pytest.mark.parametrize("host", ["localhost", '"::1"', "127.0.0.2"])
def test_loopback_hosts_are_accepted(host: str) -> None:
    """Every way to say "this machine" is fine."""
    config = parse_bot(edited(BOT, "127.0.0.1", host), "bot.yaml").config

    assert config.web.host == host.strip('"')


def test_night_begins_at_a_minute() -> None:
    """The time of the night is known as a number."""
    assert parse_bot(BOT.encode(), "b").config.nightly.minute_of_day == 30


def test_hours_are_exact_microseconds() -> None:
    """A bound in hours can be compared with times."""
    filters = MarketFilters(min_hours_to_close=Decimal("0.25"))

    assert filters.min_time_to_close == 900_000_000
    assert filters.max_time_to_close is None


@pytest.mark.parametrize(
    "ending", [pytest.param("\r\n", id="windows"), pytest.param("\n", id="unix")]
)
def test_windows_files_are_read(ending: str) -> None:
    """Line ends and the byte order mark change neither the meaning nor the places."""
    data = b"\xef\xbb\xbf" + VENUE.replace("\n", ending).encode()

    assert parse_venue(data, "v").config == parse_venue(VENUE.encode(), "v").config
    bad = data.replace(b"mode: paper", b"mode: no")
    assert complaints(bad)[0].startswith("v.yaml:1:7 mode: ")


@attrs.frozen(kw_only=True)
class Params:
    min_edge: Price
    belief: Probability = Probability(0)
    cap: Money | None = None
    gain: Decimal = attrs.field(default=Decimal(1), validator=attrs.validators.gt(Decimal(0)))
    style: str = "maker"


def test_parameters_become_the_strategys_own_class() -> None:
    """A strategy gets its parameters in its own units."""
    params = structure_params(Params, {"min_edge": Decimal("0.01"), "cap": 5, "gain": 2})

    assert params == Params(min_edge=Price(10_000), cap=money(5), gain=Decimal(2))


def test_wrong_parameters_name_their_line(tmp_path: Path) -> None:
    """A parameter is refused like any other setting."""
    path = tmp_path / "v.yaml"
    path.write_bytes(edited(VENUE, "      style: maker", "      belief: 1.5\n      stile: maker"))
    venue = read_venue(path)

    with pytest.raises(ConfigError) as caught:
        structure_params(
            Params, venue.config.strategies[0].params, ("strategies", 0, "params"), venue.source
        )

    assert caught.value.lines == (
        (
            f"{path}:11:15 strategies[0].params.belief: must be a probability from 0 to 1 with at"
            " most 6 decimals, was 1.5"
        ),
        f"{path}:12:7 strategies[0].params.stile: unknown key: did you mean style?",
    )


def test_parameters_without_a_file_are_still_checked() -> None:
    """Parameters from the journal have no line, only a path."""
    with pytest.raises(ConfigError, match=r"^parameters:1:1 params\.min_edge: missing"):
        structure_params(Params, {})


def test_unreadable_files_are_refused_plainly(tmp_path: Path) -> None:
    """A missing file, a folder and a giant one are answered, not raised through."""
    (tmp_path / "big.yaml").write_bytes(b"#" * 300_000)

    with pytest.raises(ConfigError, match=r"no\.yaml:1:1: no such file: run `market-bot init`"):
        load_venue(tmp_path / "no.yaml")
    with pytest.raises(ConfigError, match=r":1:1: cannot be read \(Is a directory\)"):
        load_bot(tmp_path)
    with pytest.raises(ConfigError, match=r"big\.yaml:1:1: larger than 256 KB"):
        load_venue(tmp_path / "big.yaml")


def test_hash_follows_the_meaning_not_the_layout() -> None:
    """Comments, quotes, order and trailing zeros do not change the hash; a value does."""
    config = parse_venue(VENUE.encode(), "v").config
    same = edited(VENUE, "  cash: 1000", '  # in dollars\n  cash: "1000.00"')
    other = edited(VENUE, "  cash: 1000", "  cash: 1001")

    assert config_hash(parse_venue(same, "v").config) == config_hash(config)
    assert config_hash(parse_venue(other, "v").config) != config_hash(config)
    assert len(config_hash(config)) == 16


@pytest.mark.parametrize(
    "params", ["style: maker\n      min_edge: 0.010", "min_edge: 0.01\n      style: 'maker'"]
)
def test_hash_of_parameters_follows_their_meaning(params: str) -> None:
    """Neither order nor trailing zeros of a strategy's parameters change the hash."""
    same = edited(VENUE, "min_edge: 0.01\n      style: maker", params)

    assert config_hash(parse_venue(same, "v").config) == config_hash(
        parse_venue(VENUE.encode(), "v").config
    )


def test_minus_zero_is_zero() -> None:
    """A zero has one canonical form."""
    texts = {
        canonical(parse_venue(edited(VENUE, "min_edge: 0.01", f"min_edge: {zero}"), "v").config)
        for zero in ("0.0", "-0.0", "0.00")
    }

    assert len(texts) == 1


def test_canonical_text_is_fixed() -> None:
    """The journal's copy of the settings has this form; a change of it changes every hash."""
    assert canonical(parse_venue(VENUE.encode(), "v").config) == (
        '{"mode":"paper","api":{"base_url":null,"ws_url":null,"gamma_url":null,"data_url":null,'
        '"site_url":null},"loop":{"interval_ms":1000,"min_interval_ms":250},'
        '"paper":{"cash":"1000","fill_model":"pessimistic","send_ms":150,"cancel_ms":150,'
        '"data_ms":50},"tape":{"record":true},'
        '"simulation":{"preset":"default","markets":60,"days":1},'
        '"polymarket":{"stream":true,"heartbeats":false,"slow_signer":false},'
        '"markets":{"families_include":'
        '["KXHIGHNY","010"],"families_exclude":[],"categories_include":[],'
        '"categories_exclude":[],"keywords_include":[],"keywords_exclude":[],'
        '"min_liquidity_usd":null,"min_volume_24h_usd":null,"price_min":"0.05","price_max":null,'
        '"max_spread":null,"min_depth_contracts":null,"min_hours_to_close":null,'
        '"max_hours_to_close":null,"max_watched":300},"strategies":'
        '[{"name":"bias_harvest","enabled":true,"params":{"min_edge":{"decimal":"0.01"},'
        '"style":"maker"}}],"sizing":{"method":"fixed","order_usd":"10.5","contracts":null,'
        '"kelly_fraction":"0.25","max_depth_share":null},"cooldown":'
        '{"after_entry_seconds":60,"after_exit_seconds":300,"after_loss_seconds":0,'
        '"after_reject_seconds":0,"families":{}},"exits":{"style":"taker","patience_seconds":10,'
        '"strategies_exclude":[],"stop_loss":null,"trailing_stop":null,"take_profit":null,'
        '"time_to_close":null,"max_hold":null},"risk":{"max_order_usd":"25",'
        '"max_position_usd":"50","max_event_loss_usd":"100","max_total_exposure_usd":"300",'
        '"max_daily_loss_usd":"40","max_drawdown_usd":"100.5","max_consecutive_losses":10,'
        '"max_open_orders":50,"max_orders_per_minute":30,"max_price_distance":"0.1",'
        '"max_book_distance":"0.05","max_book_age_seconds":900}}'
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"cash":"1000"', '"cash":1000.0'),
        ('"cash":"1000"', '"cash":NaN'),
        ('"cash":"1000"', '"cash":"-1"'),
        ('{"decimal":"0.01"}', '{"decimal":"x"}'),
        ('{"decimal":"0.01"}', '{"decimal":"Infinity"}'),
        ('"max_order_usd":"25",', ""),
        ('{"mode"', '["mode"'),
    ],
)
def test_a_damaged_canonical_text_is_refused(old: str, new: str) -> None:
    """What the journal holds is checked like a file."""
    text = canonical(parse_venue(VENUE.encode(), "v").config)

    with pytest.raises(ConfigError):
        from_canonical(edited(text, old, new).decode())


def test_loading_writes_nothing(tmp_path: Path) -> None:
    """Reading a file leaves no trace beside it."""
    path = tmp_path / "v.yaml"
    path.write_text(VENUE)
    before = path.stat().st_mtime_ns

    load_venue(path)

    assert [path] == list(tmp_path.iterdir())
    assert before == path.stat().st_mtime_ns
