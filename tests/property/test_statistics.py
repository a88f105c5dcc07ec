"""Statistics against slow and simple versions of themselves, and laws they must keep."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_bot.core.domain.statistics import (
    Bootstrapped,
    EProcess,
    Forecast,
    benjamini_hochberg,
    binomial_at_least,
    binomial_at_most,
    block_bootstrap,
    cluster_bootstrap,
    decompose,
    fisher_exact,
    holm,
    leave_one_out,
    max_drawdown,
    on_grid,
    poisson_binomial_at_least,
    poisson_binomial_at_most,
    rows_of_indexes,
    sign_flip,
    wilson,
)

# Dollars to the cent, as they come; many zeros and ties.
cents = st.integers(-500, 500).map(lambda c: c / 100)
millionths = st.integers(0, 1_000_000).map(lambda c: c / 1_000_000)
ps = st.lists(st.floats(0, 1), max_size=12)


@given(st.text(max_size=8), st.integers(1, 40), st.integers(1, 9), st.integers(0, 30))
def test_draws_have_their_shape(seed: str, below: int, width: int, rows: int) -> None:
    """So many rows of so many numbers, each in its range, and a prefix of any longer drawing."""
    drawn = list(rows_of_indexes(seed, below=below, width=width, rows=rows))
    longer = rows_of_indexes(seed, below=below, width=width, rows=rows + 3)

    assert [width] * rows == [len(row) for row in drawn]
    assert all(0 <= number < below for row in drawn for number in row)
    assert drawn == list(itertools.islice(longer, rows))


@given(st.lists(cents, min_size=5, max_size=20), st.integers(1, 3), st.sampled_from([-7, 3]))
def test_intervals_move_with_their_data(days: list[float], block: int, by: int) -> None:
    """Adding dollars to every day moves mean and interval by as many, and nothing else."""
    one = block_bootstrap(days, seed="x", block=block, draws=200)
    other = block_bootstrap([day + by for day in days], seed="x", block=block, draws=200)

    assert type(one) is type(other)
    if isinstance(one, Bootstrapped) and isinstance(other, Bootstrapped):
        assert one.estimate + by == pytest.approx(other.estimate, abs=1e-6)
        assert one.studentised.low + by == pytest.approx(other.studentised.low, abs=1e-5)
        assert one.studentised.high + by == pytest.approx(other.studentised.high, abs=1e-5)
        assert one.percentile.low + by == pytest.approx(other.percentile.low, abs=1e-6)


@given(st.lists(cents, min_size=5, max_size=20), st.data())
def test_a_wider_level_is_a_wider_interval(totals: list[float], data: st.DataObject) -> None:
    """An interval lies inside that of a higher level, and its chances contradict it nowhere."""
    weights = data.draw(
        st.lists(st.integers(1, 4), min_size=len(totals), max_size=len(totals)), label="weights"
    )
    inner = cluster_bootstrap(totals, weights=weights, seed="x", draws=300, level=0.5)
    outer = cluster_bootstrap(totals, weights=weights, seed="x", draws=300, level=0.9)

    if isinstance(inner, Bootstrapped) and isinstance(outer, Bootstrapped):
        assert outer.studentised.low <= inner.studentised.low <= inner.studentised.high
        assert inner.studentised.high <= outer.studentised.high
        assert (outer.p_greater, outer.p_less) == (inner.p_greater, inner.p_less)
        if outer.studentised.low > 0:
            assert outer.p_greater <= 0.06
        if outer.studentised.high < 0:
            assert outer.p_less <= 0.06


@given(st.lists(cents, max_size=9))
def test_flipped_signs_are_all_signs(values: list[float]) -> None:
    """The p is the share of all signs that give as much, in exact fractions."""
    exact = [Fraction(value).limit_denominator(100) for value in values if value]
    observed = sum(exact, Fraction(0))
    every = [sum(signs, Fraction(0)) for signs in itertools.product(*((v, -v) for v in exact))]

    found = sign_flip(values, seed="x")

    if not exact:
        assert found is None
        return
    assert found is not None
    greater = sum(1 for total in every if total >= observed)
    both = sum(1 for total in every if abs(total) >= abs(observed))
    assert (greater / len(every), both / len(every)) == pytest.approx(
        (found.p_greater, found.p_two_sided)
    )


@given(st.lists(cents, min_size=1, max_size=30))
def test_signs_of_the_opposite(values: list[float]) -> None:
    """Chances swap when every difference is turned around, for drawn signs too."""
    one = sign_flip(values, seed="x", draws=400)
    other = sign_flip([-value for value in values], seed="x", draws=400)

    if one is not None and other is not None and one.exact:
        assert (one.p_greater, one.p_two_sided) == (other.p_less, other.p_two_sided)
    elif one is not None:
        assert 1 / 401 <= min(one.p_greater, one.p_less)
        assert one.p_greater + one.p_less >= 1.0


@given(st.integers(0, 200), st.integers(0, 200), st.floats(0.5, 0.999))
def test_wilson_holds_the_share(hits: int, misses: int, level: float) -> None:
    """The interval lies in [0, 1], holds the observed share and mirrors that of the misses."""
    found, mirrored = wilson(hits, hits + misses, level), wilson(misses, hits + misses, level)

    if found is None or mirrored is None:
        assert 0 == hits + misses
        return
    assert 0.0 <= found.low <= hits / (hits + misses) + 1e-9
    assert hits / (hits + misses) - 1e-9 <= found.high <= 1.0
    assert found.low == pytest.approx(1 - mirrored.high, abs=1e-8)


@given(st.lists(millionths, max_size=9), st.integers(-1, 10))
def test_wins_are_all_ways_to_win(chances: list[float], wins: int) -> None:
    """The tail is the sum over every way to win and to lose."""
    at_most = 0.0
    for way in itertools.product((0, 1), repeat=len(chances)):
        if sum(way) <= wins:
            at_most += math.prod(p if won else 1 - p for p, won in zip(chances, way, strict=True))

    assert at_most == pytest.approx(poisson_binomial_at_most(wins, chances), abs=1e-8)
    assert 1 == pytest.approx(
        poisson_binomial_at_most(wins, chances) + poisson_binomial_at_least(wins + 1, chances)
    )


@given(st.integers(1, 400), st.data(), st.floats(0.001, 0.999))
def test_binomial_tails_meet(trials: int, data: st.DataObject, chance: float) -> None:
    """Both tails leave nothing out and agree with trades that all cost the same."""
    hits = data.draw(st.integers(0, trials), label="hits")
    at_most, at_least = (
        binomial_at_most(hits, trials, chance),
        binomial_at_least(hits + 1, trials, chance),
    )

    assert 1 == pytest.approx(at_most + at_least)
    assert at_most == pytest.approx(
        poisson_binomial_at_most(hits, [chance] * trials), rel=1e-6, abs=1e-30
    )


@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 12), st.integers(0, 12))
def test_fisher_counts_every_table(a: int, b: int, c: int, d: int) -> None:
    """The p is the share of all ways to place the hits, in exact integers."""
    tries, others, marked = a + b, c + d, a + c
    ways = {
        k: math.comb(tries, k) * math.comb(others, marked - k)
        for k in range(max(0, marked - others), min(tries, marked) + 1)
    }
    every = sum(ways.values())
    greater = sum(way for k, way in ways.items() if k >= a)
    both = sum(way for way in ways.values() if way <= ways[a])

    assert (greater / every, both / every) == pytest.approx(fisher_exact(a, tries, c, others))


@given(ps)
def test_counting_tests_never_helps(found: list[float]) -> None:
    """Adjusted values keep the order of the tests: p <= q of BH <= p of Holm <= Bonferroni's."""
    q, p = benjamini_hochberg(found), holm(found)
    order = sorted(range(len(found)), key=found.__getitem__)

    for raw, rate, any_ in zip(found, q, p, strict=True):
        assert raw <= rate * (1 + 1e-8) + 1e-300
        assert rate <= any_ * (1 + 1e-8) + 1e-300
        assert any_ <= min(1.0, raw * len(found)) * (1 + 1e-8) or any_ == max(p)
    assert [q[i] for i in order] == sorted(q)
    assert [p[i] for i in order] == sorted(p)


@given(st.lists(ps, min_size=2, max_size=2))
def test_the_order_of_tests_does_not_matter(halves: list[list[float]]) -> None:
    """Each test keeps its adjusted value wherever it stands in the list."""
    one, other = halves
    there, back = holm(one + other), holm(other + one)

    assert sorted(there) == sorted(back)


@given(
    st.lists(
        st.builds(Forecast, millionths, st.sampled_from([0.0, 1.0, 0.5])), min_size=1, max_size=40
    )
)
def test_the_brier_score_is_its_parts(forecasts: list[Forecast]) -> None:
    """Reliability less resolution plus uncertainty plus what the bins hide is the score."""
    parts = decompose(forecasts)

    assert parts is not None
    whole = parts.reliability - parts.resolution + parts.uncertainty + parts.within
    assert parts.brier == pytest.approx(whole, abs=1e-8)
    assert min(parts.reliability, parts.resolution, parts.uncertainty) >= 0.0


@given(st.lists(cents, max_size=25), st.sampled_from([0.0, 10.0]))
def test_no_fall_is_deeper(changes: list[float], start: float) -> None:
    """The drawdown is the largest of all falls from any earlier level to any later one."""
    levels = list(itertools.accumulate(changes, initial=start))
    falls = [high - low for i, high in enumerate(levels) for low in levels[i:]]

    found = max_drawdown(changes, start=start)

    assert max(falls) == pytest.approx(found.depth, abs=1e-8)
    assert found.depth == pytest.approx(
        levels[found.high_at + 1] - levels[found.low_at + 1], abs=1e-8
    )


@given(st.dictionaries(st.text(max_size=3), cents, max_size=8))
def test_the_weakest_remainder_is_the_weakest(effects: dict[str, float]) -> None:
    """No event's absence leaves less of the effect, and the sign is kept exactly if all keep it."""
    found = leave_one_out(effects)

    if found is None:
        assert len(effects) < 2 or sum(round(100 * effect) for effect in effects.values()) == 0
        return
    sign = math.copysign(1.0, found.total)
    rest = [sign * math.fsum([*effects.values(), -effect]) for effect in effects.values()]
    assert min(rest) == pytest.approx(sign * found.weakest, abs=1e-8)
    assert found.keeps_sign is (round(100 * min(rest)) > 0)


@given(st.lists(st.floats(-6, 6), max_size=30), st.floats(0, 8))
def test_a_fair_event_never_adds_to_the_bets(scores: list[float], z: float) -> None:
    """Up or down by the same, the mean wealth afterwards is no more than before, and never < 0."""
    process = EProcess()
    for score in scores:
        process = process.after(score)
    up, down = process.after(z).wealth, process.after(-z).wealth

    assert min(up, down) >= 0.0
    assert (up + down) / 2 <= process.wealth * (1 + 1e-8) + 1e-300


@given(st.floats(allow_nan=False))
def test_the_grid_is_a_grid(value: float) -> None:
    """What lies on the grid stays there, and nothing moves by more than a billionth."""
    there = on_grid(value)

    assert there == on_grid(there)
    assert value == pytest.approx(there, rel=1e-8)
