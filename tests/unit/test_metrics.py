"""The numbers for a monitoring system: right, bounded, and for whoever may see them."""

from __future__ import annotations

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from market_bot.adapters.storage.journal import AppendPace
from market_bot.adapters.web.bearers import bears, metrics_token
from market_bot.adapters.web.metrics import SAMPLES_MAX, exposition
from market_bot.bootstrap.shown_metrics import GATES_MAX, OTHER, Gauges, bounded, metrics_of
from market_bot.core.domain.numbers import money
from market_bot.core.ports.allowance import Allowance
from market_bot.core.ports.metrics import Metric, MetricKind, Sample
from market_bot.core.usecases.lane_snapshot import LaneSnapshot
from tests.fakes.desk import FakeDesk, a_busy_lane
from tests.fakes.pages import DOCS
from tests.fakes.web import visiting

TOKEN = "0123456789abcdef0123456789abcdef"
PATH = "/metrics"


class ABot:
    """As much of a running bot as its numbers need."""

    def __init__(self, *lanes: LaneSnapshot) -> None:
        self._lanes = lanes

    def lanes(self) -> tuple[LaneSnapshot, ...]:
        return self._lanes

    def workers(self) -> tuple[()]:
        return ()

    def failures(self) -> tuple[()]:
        return ()

    def stalled(self) -> tuple[str, ...]:
        return ("x",)

    def queue_lengths(self) -> dict[str, int]:
        return {"system": 3}


def numbers(*lanes: LaneSnapshot, gauges: Gauges | None = None) -> dict[str, float]:
    """Return every number by its name and labels, read by the reader of the format itself."""
    metrics = metrics_of(ABot(*lanes), gauges or Gauges())  # type: ignore[arg-type]  # enough of one
    text = exposition(metrics).decode()
    return {
        sample.name.removeprefix("market_bot_")
        + "".join(f"|{v}" for v in sample.labels.values()): (sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_lane_in_numbers() -> None:
    """Counts, money and what is used of the limits are those of the lane's picture."""
    found = numbers(a_busy_lane(halted="web: enough"))

    assert 312 == found["ticks_total|kalshi/paper"]
    assert 19 == found["fills_total|kalshi/paper"]
    assert 87 == found["denials_total|min_edge|kalshi/paper"]
    assert 1012.85 == found["equity_dollars|kalshi/paper"]
    assert 200 == found["limit|kalshi/paper|max_total_exposure_usd"]
    assert 131.2 == found["limit_used|kalshi/paper|max_total_exposure_usd"]
    assert 1 == found["halted|kalshi/paper"]
    assert 1 == found["lane_phase|kalshi/paper|trading"]
    assert 0 == found["lane_phase|kalshi/paper|failed"]
    assert (1, 3) == (found["stalled_workers"], found["queue_length|system"])
    assert not any(name.startswith("armed") for name in found)


def test_what_is_not_known_is_absent() -> None:
    """A day that was not opened has no loss, and prices that never came have no age."""
    lane = a_busy_lane(day_pnl=None, limits={"max_daily_loss_usd": "40"})
    found = numbers(lane, gauges=Gauges(feed_ages=lambda: {"kalshi/paper": None}))

    assert 40 == found["limit|kalshi/paper|max_daily_loss_usd"]
    assert not any(name.startswith(("limit_used", "feed_age")) for name in found)
    assert (
        2.4
        == numbers(a_busy_lane(limits={"max_daily_loss_usd": "40"}))[
            "limit_used|kalshi/paper|max_daily_loss_usd"
        ]
    )


def test_what_is_measured_besides() -> None:
    """Silence of prices, requests left and the time it takes to write down are told."""
    pace = AppendPace()
    for took in (1_500_000, 500_000):
        pace.add(took)
    reads = Allowance(name="reads", left=7, most=30, per_second=10)
    found = numbers(
        gauges=Gauges(
            feed_ages=lambda: {"kalshi/live": 1.5},
            allowances=lambda: {"kalshi/live": {"prices": (reads,)}},
            journals={"kalshi/live": pace},
            disk_free_mb=lambda: 2,
        )
    )

    assert 1.5 == found["feed_age_seconds|kalshi/live"]
    assert 7 == found["requests_left|reads|kalshi/live|prices"]
    assert 30 == found["requests_most|reads|kalshi/live|prices"]
    assert 2 == found["journal_appends_total|kalshi/live"]
    assert 0.002 == found["journal_append_seconds_total|kalshi/live"]
    assert 0.0015 == found["journal_append_longest_seconds|kalshi/live"]
    assert 2 << 20 == found["disk_free_bytes"]


def test_labels_are_bounded() -> None:
    """However many gates refuse, and however long a list is, the answer stays small."""
    many = {f"gate_{n:04}": n + 1 for n in range(1000)}
    kept = bounded(many, GATES_MAX)

    assert GATES_MAX + 1 == len(kept)
    assert sum(many.values()) == sum(kept.values())
    assert OTHER in kept
    samples = tuple(Sample({"n": str(n)}, n) for n in range(SAMPLES_MAX + 50))
    metric = Metric(name="m", kind=MetricKind.GAUGE, text="t", samples=samples)
    assert SAMPLES_MAX == exposition([metric]).decode().count("\nm{")


def test_no_market_is_a_label() -> None:
    """What a lane holds and waits for is counted, never named."""
    text = exposition(metrics_of(ABot(a_busy_lane()), Gauges()))  # type: ignore[arg-type]  # enough of one

    assert b"KXHIGHNY" not in text
    assert b"bias_harvest" not in text


@pytest.mark.parametrize(
    ("headers", "let_in"),
    [
        ([f"Bearer {TOKEN}"], True),
        ([f"bearer {TOKEN}"], True),
        ([TOKEN], False),
        ([f"Basic {TOKEN}"], False),
        ([f"Bearer {TOKEN[:-1]}"], False),
        ([f"Bearer {TOKEN}x"], False),
        (["Bearer "], False),
        ([f"Bearer {TOKEN}", f"Bearer {TOKEN}"], False),
        ([], False),
    ],
)
def test_the_token(headers: list[str], *, let_in: bool) -> None:
    """Exactly the token opens, and without one nothing does."""
    sent = [one.encode() for one in headers]

    assert let_in is bears(sent, TOKEN)
    assert not bears(sent, "")


@pytest.mark.parametrize("weak", ["x", "1234567890123456789", "ä" * 40])
def test_a_weak_token_is_refused(weak: str) -> None:
    """What could be guessed opens nothing, and is not shown."""
    assert "" == metrics_token("")
    with pytest.raises(ValueError, match="openssl rand") as caught:
        metrics_token(weak)
    assert weak == "x" or weak not in str(caught.value)


class MeasuredDesk(FakeDesk):
    """A bot with one number."""

    def metrics(self) -> tuple[Metric, ...]:
        sample = Sample({"lane": "kalshi/paper"}, 1)
        return (Metric(name="m", kind=MetricKind.GAUGE, text="t", samples=(sample,)),)


def test_who_may_see_them() -> None:
    """The token opens this address to GET and nothing else; a login opens it as well."""
    told = {"authorization": f"Bearer {TOKEN}"}
    with visiting(MeasuredDesk(a_busy_lane()), metrics_token=TOKEN) as visitor:
        answer = visitor.get(PATH, headers=told)
        elsewhere = [visitor.get(path, headers=told).status_code for path in ("/api/state", "/x")]
        halted = visitor.post("/api/halt", {"reason": "x"}, **told).status_code
        strange = visitor.get(PATH, headers={"authorization": "Bearer nonsense"}).status_code
        in_address = visitor.get(f"{PATH}?token={TOKEN}").status_code
        visitor.log_in()
        logged_in = visitor.get(PATH)

    assert 200 == answer.status_code
    assert 'm{lane="kalshi/paper"} 1.0' in answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "no-store" == answer.headers["cache-control"]
    assert [401, 401, 401, 401, 401] == [*elsewhere, halted, strange, in_address]
    assert answer.text == logged_in.text


def test_without_a_token_only_a_login_opens_them() -> None:
    """A bot whose operator wants no monitoring shows its numbers to him alone."""
    with visiting(MeasuredDesk(a_busy_lane())) as visitor:
        for header in ("Bearer ", f"Bearer {TOKEN}"):
            assert 401 == visitor.get(PATH, headers={"authorization": header}).status_code


def test_money_is_not_rounded_away() -> None:
    """Amounts reach the text as they are."""
    found = numbers(a_busy_lane(fees=money("0.000001")))

    assert 0.000001 == found["fees_dollars|kalshi/paper"]


def everything() -> dict[str, Metric]:
    """Return every metric that a bot with a paper and a live lane can tell of, by its full name."""
    reads = Allowance(name="reads", left=7, most=30, per_second=10)
    bot = ABot(a_busy_lane(), a_busy_lane(lane="live", live=True))
    found = metrics_of(
        bot,  # type: ignore[arg-type]  # enough of one
        Gauges(
            feed_ages=lambda: {"kalshi/live": 1.5},
            allowances=lambda: {"kalshi/live": {"prices": (reads,)}},
            journals={"kalshi/live": AppendPace()},
            disk_free_mb=lambda: 2,
        ),
    )
    return {one.name + ("_total" if one.kind is MetricKind.COUNTER else ""): one for one in found}


def test_the_page_names_every_metric() -> None:
    """The table has a row for each metric, with its kind and meaning, and no row more."""
    page = (DOCS / "reference" / "metrics.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if "`market_bot_" in line]
    table = {row[0].strip("`"): row for row in rows if len(row) == 4}

    assert {name: (one.kind.value, one.text) for name, one in everything().items()} == {
        name: (row[1], row[3]) for name, row in table.items()
    }
    for name, one in everything().items():
        labels = {label for sample in one.samples for label in sample.labels}
        assert not one.samples or labels == set(re.findall(r"`(\w+)`", table[name][2]))
