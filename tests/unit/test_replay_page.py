"""The terminal table and the page of a replay: narrow enough, harmless, and from one report."""

from __future__ import annotations

from html.parser import HTMLParser

import attrs
import pytest

from market_bot.bootstrap.replay_page import replay_page
from market_bot.bootstrap.replay_plots import (
    Bar,
    Line,
    Scale,
    Span,
    amount,
    bar_plot,
    day_plot,
    line_plot,
    lowest,
    span_plot,
    thinned,
)
from market_bot.bootstrap.replay_table import replay_text
from market_bot.core.domain.replay_report import ReplayReport, report_of
from market_bot.core.domain.replay_result import Variant
from tests.fakes.replay_results import a_fidelity, a_result, a_variant, some_days

HOSTILE = "<script>alert(1)</script>\u202eelttil\x1b[2J&\"'"
VOID = frozenset({"meta", "line", "rect", "circle", "polyline", "polygon", "text"})


class Reader(HTMLParser):
    """Reads a page and complains about tags that do not match."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop()

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(page: str) -> Reader:
    """Return what a browser would find, after checking that every tag is closed."""
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert [] == reader.open
    return reader


def renamed(variant: Variant, name: str, prefix: str) -> Variant:
    """Return a variant whose name and events are text from elsewhere."""
    models = tuple(
        attrs.evolve(
            result,
            name=name,
            per_event={f"{prefix} {e}": m for e, m in result.per_event.items()},
            per_day={
                day: {f"{prefix} {e}": m for e, m in events.items()}
                for day, events in result.per_day.items()
            },
        )
        for result in variant.models
    )
    return attrs.evolve(variant, name=name, models=models)


def a_report(days: int = 12, *, name: str = "tighter", variants: int = 1) -> ReplayReport:
    """Return a report of some variants."""
    dates = some_days(days)
    base = renamed(a_variant("base", dates), "base", name)
    found = [
        renamed(a_variant("v", dates, gain=0.9), f"{name}{n or ''}", name) for n in range(variants)
    ]
    return report_of(a_result(*found, days=dates, base=base, fidelity=a_fidelity()))


@pytest.mark.parametrize("days", [0, 1, 12])
@pytest.mark.parametrize("name", ["tighter", "x" * 90, "many words " * 12])
def test_the_table_fits(days: int, name: str) -> None:
    """No line is wider than a hundred columns, whatever the variants are called."""
    text = replay_text(a_report(days, name=name))

    assert 100 >= max(len(line) for line in text.splitlines())


def test_the_table_tells_the_verdict_and_why() -> None:
    """The verdict, its reasons and the notes are in the text."""
    text = replay_text(a_report(variants=2))

    assert "improves" in text
    assert "days, events, signs and fill models agree" in text
    assert "note: 2 variants were tried" in text


def test_few_days_are_said_in_the_table() -> None:
    """Instead of an interval the table tells how many days there are."""
    text = replay_text(a_report(3))

    assert "3 of 10 days" in text
    assert "too little data" in text


def test_hostile_names_do_not_steer_the_terminal() -> None:
    """Control characters and marks of direction are shown, not obeyed."""
    text = replay_text(a_report(name=HOSTILE))

    assert "\x1b" not in text
    assert "\u202e" not in text


@pytest.mark.parametrize(("days", "variants"), [(0, 0), (0, 1), (1, 1), (2, 3), (12, 0), (40, 3)])
def test_the_page_is_well_formed(days: int, variants: int) -> None:
    """Every tag is closed, with any number of days and variants."""
    reader = read(replay_page(a_report(days, variants=variants)))

    assert 1 + variants == sum(1 for tag, _ in reader.seen if tag == "details")


def test_the_page_asks_nobody_for_anything() -> None:
    """No script, no style sheet, no picture, no address, and a policy that forbids them."""
    reader = read(replay_page(a_report(variants=3)))
    tags = {tag for tag, _ in reader.seen}
    names = {name for _, attributes in reader.seen for name in attributes}

    assert not tags & {"script", "link", "img", "iframe", "a", "form", "object"}
    assert not names & {"src", "href", "style", "onclick", "xlink:href"}
    policies = [a["content"] for _, a in reader.seen if "http-equiv" in a]
    assert ["default-src 'none'; style-src 'unsafe-inline'"] == policies


def test_hostile_names_are_words_on_the_page() -> None:
    """A market's or variant's name is shown as text, and its direction is not obeyed."""
    page = replay_page(a_report(name=HOSTILE))
    reader = read(page)

    assert "script" not in {tag for tag, _ in reader.seen}
    assert any("<script>alert(1)" in word for word in reader.words)
    assert "\u202e" not in page
    assert "\x1b" not in page


def test_the_page_tells_the_same_numbers() -> None:
    """Verdict, profit and reasons are those of the report."""
    report = a_report()
    words = " ".join(read(replay_page(report)).words)

    assert "improves" in words
    assert "days, events, signs and fill models agree" in words
    assert f"{report.base.trades}" in words


def test_every_plot_says_what_it_shows() -> None:
    """A reader who cannot see a plot is told what it is."""
    reader = read(replay_page(a_report()))
    plots = [attributes for tag, attributes in reader.seen if tag == "svg"]

    assert 11 == len(plots)
    assert all(plot["aria-label"] and plot["role"] == "img" for plot in plots)


def test_equal_reports_give_equal_pages() -> None:
    """The page has no clock and no chance in it."""
    assert replay_page(a_report()) == replay_page(a_report())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "$0"),
        (0.25, "$0.25"),
        (-0.5, "-$0.50"),
        (12.0, "$12"),
        (-1250.0, "-$1.25k"),
        (3_000_000.0, "$3M"),
    ],
)
def test_amounts_are_short(value: float, text: str) -> None:
    """An axis has room for few letters."""
    assert text == amount(value)


def test_a_bar_lies_where_its_value_does() -> None:
    """A gain stands on the zero line, a loss hangs from it, twice the value is twice the bar."""
    reader = read(
        day_plot("x", [Bar(name=n, value=v, hint=n) for n, v in (("a", 2), ("b", -1), ("c", 1))])
    )
    bars = [a for tag, a in reader.seen if tag == "rect"]
    tops, heights = [float(b["y"] or 0) for b in bars], [float(b["height"] or 0) for b in bars]

    assert ["up", "down", "up"] == [b["class"] for b in bars]
    assert heights[0] == pytest.approx(2 * heights[2], abs=0.05)
    assert tops[0] + heights[0] == pytest.approx(tops[1], abs=0.05)


def test_long_curves_are_thinned() -> None:
    """At most 240 points are drawn, from the first to the last."""
    values = [float(i) for i in range(5000)]

    assert (240, 0.0, 4999.0) == (len(thinned(values)), thinned(values)[0], thinned(values)[-1])


def test_the_deepest_fall_is_drawn() -> None:
    """However long a line of falls is, the deepest one is among at most 240 points."""
    for length in (1, 239, 240, 241, 479, 511, 5000):
        for deepest in {0, length // 3, length - 1}:
            falls = [-3.0 if i == deepest else -1.0 for i in range(length)]
            drawn = lowest(falls)
            assert min(240, length) == len(drawn)
            assert drawn.count(-3.0) == 1


def test_plots_of_almost_nothing_do_not_break() -> None:
    """One value, equal values and no bars are drawn as well as they can be."""
    for plot in (
        line_plot("x", [Line(values=[1.0], style="told")], ends=("a", "b")),
        line_plot("x", [Line(values=[0.0, 0.0], style="told")], ends=("a", "b")),
        day_plot("x", []),
        bar_plot("x", [Bar(name="n", value=0.0, hint="h")]),
        span_plot(
            "x", [Span(name="n", note="", estimate=None, inner=None, outer=None, style="none")]
        ),
    ):
        assert "svg" in {tag for tag, _ in read(plot).seen}
    assert 5.0 == Scale(low=1, high=1, start=0, end=10)(1)
