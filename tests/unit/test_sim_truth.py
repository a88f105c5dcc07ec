"""Hidden truths: right on average at every moment, and decided where they say they are."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from random import Random

import pytest

from market_bot.adapters.simulated.sim_families import FAMILIES, Family, Occasion, Plan
from market_bot.adapters.simulated.sim_truth import (
    Course,
    Path,
    course,
    normal,
    published,
    stream,
)
from market_bot.core.domain.market import Condition
from market_bot.core.domain.numbers import SECOND, Micros

OPENS = Micros(1_786_000_000_000_000)
WORLDS = 1500
# A calibration that is right fails one of these tests once in so many changes of the code.
DOUBT = 1e-6
BOXES = (0.65, 0.8, 0.9, 0.98)


def binomial_tail(successes: int, trials: int, chance: float) -> float:
    """Return how probable so many successes or a rarer number on that side is, exactly."""
    if trials == 0:
        return 1.0
    terms = [
        math.lgamma(trials + 1)
        - math.lgamma(k + 1)
        - math.lgamma(trials - k + 1)
        + k * math.log(chance)
        + (trials - k) * math.log(1.0 - chance)
        for k in range(trials + 1)
    ]
    weights = [math.exp(term) for term in terms]
    return min(1.0, 2 * min(sum(weights[successes:]), sum(weights[: successes + 1])))


def planned(family: Family, world: int) -> tuple[Plan, Path, Micros]:
    """Return an event of a family in one of many worlds."""
    closes = Micros(OPENS + family.lasts)
    path = Path("COIN-USD", stream("path", world), 5_000.0, 0.6, OPENS)
    chance = stream("truth", family.name, world)
    occasion = Occasion(slot=0, opens=OPENS, closes=closes, chance=chance, path=path)
    return family.plan(occasion), path, closes


def walk(
    plan: Plan, path: Path, closes: Micros, share: float, steps: int, since: float = 0.0
) -> None:
    """Let an event go on from one share of its life to another."""
    for step in range(1, steps + 1):
        passed = since + (share - since) * step / steps
        at = Micros(OPENS + round((closes - OPENS) * passed))
        path.walk(at)
        plan.truth.advance(at)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
@pytest.mark.parametrize("share", [0.3, 0.85])
def test_truth_is_calibrated(family: Family, share: float) -> None:
    """Markets end YES as often as the truth said, in every range of probabilities."""
    said: dict[int, list[float]] = {}
    came: dict[int, int] = {}
    bold = variance = 0.0
    for world in range(WORLDS):
        plan, path, closes = planned(family, world)
        walk(plan, path, closes, share, steps=7)
        # One market of each event, so that the trials are independent.
        index = world % len(plan.terms)
        chance = plan.truth.chance(index)
        walk(plan, path, closes, 1.0, steps=3, since=share)
        plan.truth.finish(closes)
        ended = plan.truth.chance(index)
        # Of the likelier leg, so that too bold and too timid both add up.
        likelier, won = (chance, ended) if chance >= 0.5 else (1.0 - chance, 1.0 - ended)
        box = bisect_right(BOXES, likelier)
        said.setdefault(box, []).append(likelier)
        came[box] = came.get(box, 0) + round(won)
        bold += (likelier - 0.5) * (won - likelier)
        variance += (likelier - 0.5) ** 2 * likelier * (1.0 - likelier)

    for box, chances in said.items():
        mean = min(1 - 1e-9, sum(chances) / len(chances))
        # Of unequal chances the mean's binomial is the widest, so the bound holds.
        assert binomial_tail(came[box], len(chances), mean) > DOUBT, (box, mean, came[box])
    # Bold or timid everywhere shows here first; four and a half deviations are one in 150,000.
    assert abs(bold) <= 4.5 * math.sqrt(variance)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_one_outcome_at_most(family: Family) -> None:
    """Where it is promised, at most one market ends YES and chances never exceed one together."""
    for world in range(60):
        plan, path, closes = planned(family, world)
        walk(plan, path, closes, 0.6, steps=5)
        chances = [plan.truth.chance(index) for index in range(len(plan.terms))]
        plan.truth.finish(closes)
        ends = [plan.truth.chance(index) for index in range(len(plan.terms))]

        assert len(plan.terms) == family.size
        assert all(0.0 <= chance <= 1.0 for chance in chances)
        assert set(ends) <= {0.0, 1.0}
        if plan.at_most_one:
            assert sum(chances) <= 1.0 + 1e-9
            assert sum(ends) <= 1.0
        if plan.exhaustive:
            assert sum(chances) == pytest.approx(1.0)
            assert sum(ends) == 1.0


def test_a_vote_may_go_to_nobody_on_the_list() -> None:
    """An event that is not exhaustive now and then ends without a winner among its markets."""
    family = next(family for family in FAMILIES if family.name == "SIM-VOTE")
    unlisted = 0
    for world in range(400):
        plan, _, closes = planned(family, world)
        plan.truth.finish(closes)
        unlisted += not any(plan.truth.chance(index) for index in range(4))

    assert 0 < unlisted < 50


def test_a_course_comes_out_completely() -> None:
    """What comes out steadily, by news and as a surprise is the whole, in any number of steps."""
    for steps in (1, 3, 50):
        news = tuple(Micros(OPENS + n * 200) for n in (1, 2, 2, 4))
        way = Course(OPENS, Micros(OPENS + 1000), news, news_share=0.4, surprise=0.3)
        total = 0.0
        heard = 0
        for step in range(1, steps + 1):
            more, new = way.go(Micros(OPENS + 1000 * step // steps))
            total += more
            heard += new

        assert total == pytest.approx(0.7)
        assert total + way.rest() == pytest.approx(1.0)
        assert heard >= 1


def test_news_has_its_rate() -> None:
    """News comes about as often as asked, within the life of the event."""
    made = [course(stream("c", n), OPENS, Micros(OPENS + 10**6), news=3.0).news for n in range(300)]

    assert 2.6 < sum(map(len, made)) / 300 < 3.4
    assert all(OPENS < at < OPENS + 10**6 for news in made for at in news)
    assert all(list(news) == sorted(news) for news in made)


def test_a_normal_number_is_normal() -> None:
    """Mean, variance and the share beyond two deviations are those of the normal distribution."""
    chance = stream("normal")
    drawn = [normal(chance) for _ in range(20_000)]

    assert abs(sum(drawn)) / 20_000 < 0.03
    assert 0.96 < sum(x * x for x in drawn) / 20_000 < 1.04
    assert 0.040 < sum(abs(x) > 2 for x in drawn) / 20_000 < 0.051


def test_streams_are_their_own() -> None:
    """The same names give the same numbers on every machine, other names give others."""
    assert stream(7, "a").random() == stream(7, "a").random()
    assert stream(7, "a").random() != stream(7, "b").random()
    assert isinstance(stream(1), Random)


def test_a_touched_level_stays_touched() -> None:
    """A touch between two published prices counts, and is not forgotten."""
    family = next(family for family in FAMILIES if family.on_price)
    touched = 0
    for world in range(80):
        plan, path, closes = planned(family, world)
        walk(plan, path, closes, 0.9, steps=9)
        before = [plan.truth.chance(index) for index in range(5)]
        walk(plan, path, closes, 1.0, steps=1, since=0.9)
        plan.truth.finish(closes)
        for index, terms in enumerate(plan.terms):
            if terms.condition in (Condition.TOUCH_ABOVE, Condition.TOUCH_BELOW):
                touched += before[index] == 1.0
                assert before[index] < 1.0 or plan.truth.chance(index) == 1.0
        assert not path.watched

    assert touched > 5


def test_the_published_price_decides() -> None:
    """At the close the published price alone says which levels were reached."""
    family = next(family for family in FAMILIES if family.on_price)
    for world in range(40):
        plan, path, closes = planned(family, world)
        path.walk(closes)
        plan.truth.finish(closes)
        for index, terms in enumerate(plan.terms):
            if terms.condition is Condition.AT_LEAST:
                assert terms.strike is not None
                reached = float(published(path.cents)) >= float(terms.strike)
                assert plan.truth.chance(index) == float(reached)


@pytest.mark.parametrize(("cents", "text"), [(0, "0.00"), (5, "0.05"), (6_421_007, "64210.07")])
def test_prices_are_published_with_cents(cents: int, text: str) -> None:
    """A published price has two decimals."""
    assert text == published(cents)


def test_a_price_is_a_martingale() -> None:
    """An outside price goes nowhere on average and varies as its volatility says."""
    year = 365 * 86_400
    make: Callable[[int], Path] = lambda n: Path("X", stream("m", n), 100.0, 0.2, OPENS)  # noqa: E731 - as short as a comprehension allows
    paths = [make(number) for number in range(2_000)]
    for path in paths:
        path.walk(Micros(OPENS + year * SECOND))
    mean = sum(math.exp(path.log) for path in paths) / len(paths)
    spread = sum((path.log + 0.02) ** 2 for path in paths) / len(paths)

    assert 0.98 < mean < 1.02
    assert 0.036 < spread < 0.044
