"""The folded book equals a naive one after every message of any stream."""

from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from market_bot.adapters.kalshi.ws_log import import_ws_log
from market_bot.core.domain.book import Side
from market_bot.core.domain.numbers import Micros, Price, Size, price, size
from tests.fakes.fact_sink import FactSink
from tests.fakes.kalshi_log import GOLD, LogBuilder

NaiveBook = dict[str, dict[Decimal, Decimal]]
PRICES = st.sampled_from(["0.0100", "0.4800", "0.48", "0.5200", "0.9900", "0.12345"])
SIZES = st.integers(1, 500).map(lambda cents: f"{Decimal(cents) / 100:.2f}")
LEVELS = st.dictionaries(PRICES.filter(lambda text: text != "0.48"), SIZES, max_size=4)
SNAPSHOTS = st.tuples(st.just("snapshot"), LEVELS, LEVELS)
DELTAS = st.tuples(
    st.just("delta"),
    st.sampled_from(["yes", "no"]),
    PRICES,
    st.integers(-300, 300).map(lambda cents: f"{Decimal(cents) / 100:.2f}"),
)
# Taking exactly what is there is the case that matters and would hardly be drawn.
REMOVALS = st.tuples(st.just("remove"), st.sampled_from(["yes", "no"]), st.integers(0, 3))


class StepSink(FactSink):
    """Keeps the book after every fact about it."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[tuple[dict[Price, Size], dict[Price, Size]]] = []

    def delta(
        self,
        market: str,
        side: Side,
        price: Price,
        size: Size,
        received: Micros,
        exchange: Micros | None,
    ) -> None:
        super().delta(market, side, price, size, received, exchange)
        self.steps.append(self.snapshot(market))


def fold(
    message: tuple[object, ...], book: NaiveBook, log: LogBuilder
) -> tuple[NaiveBook, bool] | None:
    """Write a message and return the naive book after it, None if it cannot be sent."""
    match message:
        case ("snapshot", dict(yes), dict(no)):
            log.snapshot(yes.items(), no.items())
            sides = (("yes", yes), ("no", no))
            return {s: {Decimal(p): Decimal(c) for p, c in d.items()} for s, d in sides}, False
        case ("remove", str(side), int(index)):
            if index >= len(book[side]):
                return None
            at, held = sorted(book[side].items())[index]
            change, text = -held, str(at)
        case ("delta", str(side), str(text), str(amount)):
            at, change = Decimal(text), Decimal(amount)
        case _:
            raise AssertionError(message)
    after = book[side].get(at, Decimal(0)) + change
    if after < 0:
        return None
    log.delta(side, text, str(change))
    levels = {**book[side], at: after}
    return {**book, side: {p: s for p, s in levels.items() if s}}, True


def in_yes_space(book: NaiveBook) -> tuple[dict[Price, Size], dict[Price, Size]]:
    """Return the naive book as bids and asks."""
    bids = {price(at): size(held) for at, held in book["yes"].items()}
    return bids, {price(1 - at): size(held) for at, held in book["no"].items()}


@given(st.lists(st.one_of(SNAPSHOTS, DELTAS, DELTAS, REMOVALS, REMOVALS), max_size=40))
def test_fold_equals_the_oracle(messages: list[tuple[object, ...]]) -> None:
    """At every delta the book in the sink is the one added up naively in decimals."""
    log = LogBuilder().snapshot()
    book: NaiveBook = {"yes": {}, "no": {}}
    expected = []
    for message in messages:
        folded = fold(message, book, log)
        if folded is not None:
            book, is_delta = folded
            expected += [in_yes_space(book)] if is_delta else []
    sink = StepSink()
    with TemporaryDirectory() as folder:
        report = import_ws_log([log.write(Path(folder) / "log.ndjson")], sink)

    assert {} == report.dropped
    assert expected == sink.steps
    assert in_yes_space(book) == sink.snapshot(GOLD)
