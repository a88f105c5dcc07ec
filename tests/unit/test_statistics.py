"""Statistics against numbers worked by hand or published by others."""

from __future__ import annotations

import itertools
import math
import random
import re
from collections import Counter
from pathlib import Path
from statistics import NormalDist, mean, stdev

import pytest

from market_bot.core.domain.statistics import (
    Bootstrapped,
    EProcess,
    Forecast,
    Lack,
    NegativeBinomial,
    NoInterval,
    benjamini_hochberg,
    binomial_at_least,
    binomial_at_most,
    block_bootstrap,
    block_length,
    brier,
    calibration,
    calmar,
    cluster_bootstrap,
    days_needed,
    decompose,
    deflated_sharpe,
    expectancy,
    expected_maximum,
    fisher_exact,
    fit_negative_binomial,
    holm,
    leave_one_out,
    log_loss,
    max_drawdown,
    normal_cdf,
    normal_quantile,
    on_grid,
    poisson_binomial_at_least,
    poisson_binomial_at_most,
    probabilistic_sharpe,
    profit_factor,
    quantile,
    rows_of_indexes,
    sharpe,
    sign_flip,
    sortino,
    wilson,
    winsorised,
)
from market_bot.core.domain.statistics.returns import probability_of_skill

# Benjamini and Hochberg, 1995, section 4.1: fifteen tests of a treatment.
PUBLISHED_PS = (
    *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344),
    *(0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000),
)
DAYS = (1.25, -0.5, 2.25, 0.75, 0.1, 1.9, -0.3, 0.6, -1.1, 0.9)


def some(found: Bootstrapped | NoInterval) -> Bootstrapped:
    """Return an interval that must be there."""
    assert isinstance(found, Bootstrapped)
    return found


# Chance


def test_chance_is_the_same_everywhere() -> None:
    """The first numbers of a stream are fixed for ever."""
    assert [[5, 3, 7, 7], [7, 4, 3, 5]] == list(rows_of_indexes("a seed", below=8, width=4, rows=2))


def test_seeds_have_nothing_in_common() -> None:
    """Another seed gives other numbers."""
    one = list(rows_of_indexes("a", below=1000, width=20, rows=1))
    other = list(rows_of_indexes("b", below=1000, width=20, rows=1))

    assert one != other


def test_chance_is_even() -> None:
    """Each of ten numbers comes up about as often as another, at the edge of a block too."""
    rows = rows_of_indexes("even", below=10, width=7, rows=8571)
    counts = Counter(itertools.chain.from_iterable(rows))
    surprise = sum((counts[i] - 5999.7) ** 2 / 5999.7 for i in range(10))

    # The 99.9 % quantile of chi-squared with nine degrees of freedom.
    assert surprise < 27.88


@pytest.mark.parametrize(("below", "width"), [(0, 1), (2**20 + 1, 1), (5, 0)])
def test_impossible_draws_are_refused(below: int, width: int) -> None:
    """Nothing can be drawn from nothing, and not from more than a million."""
    with pytest.raises(ValueError, match="cannot draw"):
        next(rows_of_indexes("x", below=below, width=width, rows=1))


# The grid and the normal distribution


def test_results_lie_on_a_grid() -> None:
    """Nine digits are kept, minus zero is zero, infinity passes and NaN does not."""
    assert 0.123456789 == on_grid(0.12345678949)
    assert 1.0 == math.copysign(1.0, on_grid(-0.0))
    assert math.inf == on_grid(math.inf)
    with pytest.raises(ValueError, match="NaN"):
        on_grid(math.nan)


@pytest.mark.parametrize("p", [1e-12, 0.001, 0.025, 0.5, 0.8, 0.975, 1 - 1e-9])
def test_normal_quantiles_agree_with_the_standard_library(p: float) -> None:
    """The quantile is that of the standard library, and the distribution leads back."""
    assert NormalDist().inv_cdf(p) == pytest.approx(normal_quantile(p), abs=2e-8)
    assert p == pytest.approx(normal_cdf(normal_quantile(p)), rel=1e-6)


@pytest.mark.parametrize("p", [0.0, 1.0, -0.1, math.nan])
def test_there_is_no_quantile_of_certainty(p: float) -> None:
    """Only chances between 0 and 1 have a quantile."""
    with pytest.raises(ValueError, match="no normal quantile"):
        normal_quantile(p)


@pytest.mark.parametrize(("tried", "z"), [(1, 0.0), (5, 1.19), (20, 1.90), (100, 2.53)])
def test_the_best_of_many_looks_good(tried: int, z: float) -> None:
    """The luck of the best of so many is as published by Bailey and López de Prado."""
    assert z == pytest.approx(expected_maximum(tried), abs=0.005)


def test_nothing_tried_has_no_best() -> None:
    """The best of nothing is refused."""
    with pytest.raises(ValueError, match="no best"):
        expected_maximum(0)


# Bootstrap


@pytest.mark.parametrize(("days", "length"), [(5, 2), (3, 1), (14, 2), (16, 3), (365, 3)])
def test_blocks_grow_with_the_cube_root(days: int, length: int) -> None:
    """A block has one to three days."""
    assert length == block_length(days)


def test_single_days_have_the_textbook_error() -> None:
    """With blocks of one day the standard error is that of a mean."""
    found = some(block_bootstrap(DAYS, seed="x", block=1))

    assert mean(DAYS) == pytest.approx(found.estimate)
    assert stdev(DAYS) / math.sqrt(10) == pytest.approx(found.standard_error)
    assert (10, 1, 10_000, 0.95) == (found.units, found.block, found.draws, found.level)


def t_of(sample: tuple[float, ...], centre: float) -> float:
    """Return a mean's distance from the centre in its own standard errors."""
    shift, spread = mean(sample) - centre, stdev(sample)
    if spread == 0:
        return 0.0 if shift == 0 else math.copysign(math.inf, shift)
    return shift / spread * math.sqrt(len(sample))


def test_draws_approach_all_resamples() -> None:
    """Intervals and p of 10,000 draws are near those of all 5^5 resamples."""
    values = (1.27, -0.53, 2.31, 0.74, 0.13)
    centre, error = mean(values), stdev(values) / math.sqrt(5)
    samples = list(itertools.product(values, repeat=5))
    means = sorted(mean(s) for s in samples)
    scores = sorted(t_of(s, centre) for s in samples)
    tail = round(len(samples) * 0.1)

    found = some(cluster_bootstrap(values, seed="all", level=0.8))

    assert means[tail] == pytest.approx(found.percentile.low, abs=0.03)
    assert means[-tail] == pytest.approx(found.percentile.high, abs=0.03)
    assert centre - scores[-tail] * error == pytest.approx(found.studentised.low, abs=0.06)
    assert centre - scores[tail] * error == pytest.approx(found.studentised.high, abs=0.06)
    share = sum(1 for score in scores if score >= centre / error) / len(samples)
    assert share == pytest.approx(found.p_greater, abs=0.01)


def test_neighbouring_days_stay_together() -> None:
    """Blocks of two days keep what ten blocks of two days have: all sums of neighbours."""
    pairs = [(DAYS[i] + DAYS[(i + 1) % 10]) / 2 for i in range(10)]
    centre = mean(pairs)
    spread = math.sqrt(sum((p - centre) ** 2 for p in pairs) / 10)

    found = some(block_bootstrap(DAYS, seed="pairs", block=2))

    assert 5 == found.units
    assert mean(DAYS) == pytest.approx(found.estimate)
    assert spread / math.sqrt(4) == pytest.approx(found.standard_error)


def test_moving_blocks_are_not_biased_by_the_ends() -> None:
    """With moving blocks the interval lies around the mean, though outer days are seen less."""
    days = [9.0, 7.0, *[0.1, -0.1, 0.4, -0.2] * 4, 8.0, 8.5]

    found = some(block_bootstrap(days, seed="ends", block=3, circular=False, level=0.5))

    middle = (found.percentile.low + found.percentile.high) / 2
    assert found.estimate == pytest.approx(middle, abs=0.3)


def test_days_that_follow_each_other_widen_the_interval() -> None:
    """Good and bad weeks make the blocks' error larger than that of single days."""
    days = [1.0] * 5 + [-1.0] * 5 + [1.2] * 5 + [-0.8] * 5

    single = some(block_bootstrap(days, seed="w", block=1))
    blocks = some(block_bootstrap(days, seed="w", block=3))

    assert blocks.standard_error > 1.3 * single.standard_error


def test_a_large_event_counts_as_much_as_it_has() -> None:
    """The mean per trade is the ratio of the sums, with Cochran's error of a ratio."""
    totals, trades = (6.0, 1.0, 2.0, 0.5, 3.0), (6, 1, 4, 1, 2)
    ratio = 12.5 / 14
    squares = sum((t - ratio * n) ** 2 for t, n in zip(totals, trades, strict=True))

    found = some(cluster_bootstrap(totals, weights=trades, seed="r"))

    assert ratio == pytest.approx(found.estimate)
    assert math.sqrt(squares * 5 / 4) / 14 == pytest.approx(found.standard_error)


def test_weighted_events_of_the_same_size_are_plain_events() -> None:
    """Equal weights only change the unit."""
    plain = some(cluster_bootstrap(DAYS, seed="u"))
    heavy = some(cluster_bootstrap(DAYS, weights=[2.0] * 10, seed="u"))
    uneven = some(cluster_bootstrap(DAYS, weights=[2.0] * 9 + [2.0000001], seed="u"))

    assert plain.studentised.low == pytest.approx(2 * heavy.studentised.low)
    assert plain.studentised.low == pytest.approx(2 * uneven.studentised.low, abs=1e-5)
    assert plain.p_greater == pytest.approx(uneven.p_greater)


@pytest.mark.parametrize(
    ("found", "lack"),
    [
        (block_bootstrap(DAYS[:4], seed="x", block=1), Lack.UNITS),
        (block_bootstrap(DAYS[:9], seed="x", block=2), Lack.UNITS),
        (cluster_bootstrap((), seed="x"), Lack.UNITS),
        (cluster_bootstrap([0.3] * 8, seed="x"), Lack.SPREAD),
        (cluster_bootstrap([0.0] * 8, seed="x"), Lack.SPREAD),
        (block_bootstrap(DAYS, seed="x", draws=30), Lack.DRAWS),
    ],
)
def test_no_interval_is_invented(found: Bootstrapped | NoInterval, lack: Lack) -> None:
    """Too few events, no spread or too few draws are said, never covered by a number."""
    assert isinstance(found, NoInterval)
    assert lack is found.lack


def test_senseless_intervals_are_refused() -> None:
    """A block of no day, a weight of nothing and a level of certainty are mistakes."""
    with pytest.raises(ValueError, match="block"):
        block_bootstrap(DAYS, seed="x", block=0)
    with pytest.raises(ValueError, match="weight"):
        cluster_bootstrap(DAYS, seed="x", weights=[0] * 10)
    with pytest.raises(ValueError, match="level"):
        block_bootstrap(DAYS, seed="x", level=1.0)


def test_few_skewed_units_give_no_false_certainty() -> None:
    """The studentised interval of a few days is wider than the percentile one."""
    found = some(block_bootstrap(DAYS, seed="x", block=2))

    wide = found.studentised.high - found.studentised.low
    assert wide > found.percentile.high - found.percentile.low
    assert found.estimate in found.studentised


def coverage(days: int, worlds: int, draws: int) -> float:
    """Return how many of some worlds have their truth inside the interval."""
    inside = 0
    for world in range(worlds):
        chance, level, series = random.Random(world), 0.0, []
        for _ in range(days):
            level = 0.3 * level + chance.gauss(0, 1)
            series.append(level)
        inside += 0.0 in some(block_bootstrap(series, seed=f"w{world}", draws=draws)).studentised
    return inside / worlds


def test_intervals_hold_the_truth() -> None:
    """In eight of ten worlds at least, of which each day remembers the one before."""
    assert coverage(days=21, worlds=60, draws=400) >= 0.85


@pytest.mark.soak
def test_intervals_hold_the_truth_in_many_worlds() -> None:
    """In 95 of 100 worlds, give or take three."""
    assert 0.95 == pytest.approx(coverage(days=30, worlds=1000, draws=2000), abs=0.03)


def test_the_worked_example_is_right() -> None:
    """The example on the page about statistics does what it says."""
    page = Path(__file__).parents[2] / "docs" / "explanation" / "statistics.md"
    (source,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)

    exec(compile(source, "example", "exec"), {})  # noqa: S102 - our own page


# Signs


def test_signs_flipped_by_hand() -> None:
    """Three gains of three give one chance in eight, and two of eight for both sides."""
    found = sign_flip([1.0, 2.0, 3.0], seed="x")

    assert found is not None
    assert (0.125, 1.0, 0.25, True) == (
        found.p_greater,
        found.p_less,
        found.p_two_sided,
        found.exact,
    )


def test_signs_agree_with_another_program() -> None:
    """The p is that of scipy's permutation_test(permutation_type="samples")."""
    found = sign_flip([1.2, -0.5, 2.2, 0.7, 0.1, 1.9, -0.3], seed="x")

    assert found is not None
    assert 0.0703125 == found.p_greater


def test_sampled_signs_are_near_all_signs() -> None:
    """With fourteen values some of the signs are drawn, and that is nearly as good."""
    values = [0.9, -0.4, 1.3, 0.2, -0.1, 0.8, 0.5, -0.6, 0.3, 1.1, -0.2, 0.4, 0.7, -0.9]
    every = [sum(s) for s in itertools.product(*((v, -v) for v in values))]
    share = sum(1 for total in every if total >= sum(values) - 1e-9) / len(every)

    found = sign_flip(values, seed="x")

    assert found is not None
    assert not found.exact
    assert share == pytest.approx(found.p_greater, abs=0.01)


def test_no_chance_is_zero() -> None:
    """What was observed is one of the draws: of 99 others none need be as large."""
    signs = sign_flip([1.0 + n / 10 for n in range(40)], seed="x", draws=99)
    days = some(block_bootstrap([10.0 + n % 4 for n in range(30)], seed="x", draws=99))

    assert signs is not None
    assert (0.01, 0.01, 0.01) == (signs.p_greater, signs.p_two_sided, days.p_greater)


def test_zeros_have_no_sign() -> None:
    """Events without a difference change nothing, and only such events are no test."""
    assert sign_flip([0.0, 0.0], seed="x") is None
    assert sign_flip([1.0, 2.0], seed="x") == sign_flip([1.0, 0.0, 2.0, 0.0], seed="x")


# Counts


@pytest.mark.parametrize(
    ("hits", "tries", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (20, 20, 0.8389, 1.0),
    ],
)
def test_wilson_is_as_published(hits: int, tries: int, low: float, high: float) -> None:
    """The intervals are those of Newcombe, 1998, table I, method 3."""
    found = wilson(hits, tries)

    assert found is not None
    assert (low, high) == pytest.approx((found.low, found.high), abs=5e-5)


def test_a_proportion_of_nothing_is_unknown() -> None:
    """Without tries there is no interval, and more hits than tries are refused."""
    assert wilson(0, 0) is None
    with pytest.raises(ValueError, match="3 of 2"):
        wilson(3, 2)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (binomial_at_most(3, 10, 0.5), 176 / 1024),
        (binomial_at_least(60, 100, 0.5), 0.028443966820490444),
        (binomial_at_most(200, 1000, 0.25), 0.00010898019880887834),
        (binomial_at_least(30, 20000, 0.001), 0.021761909841812983),
        (binomial_at_least(0, 10, 0.5), 1.0),
        (binomial_at_least(11, 10, 0.5), 0.0),
        (binomial_at_most(10, 10, 0.5), 1.0),
        (binomial_at_most(3, 10, 0.0), 1.0),
        (binomial_at_most(3, 10, 1.0), 0.0),
    ],
)
def test_binomial_tails(found: float, expected: float) -> None:
    """Tails are those worked by hand or by scipy."""
    assert expected == pytest.approx(found, rel=1e-8)


def test_wins_at_two_prices() -> None:
    """Two trades bought at 0.5 and 0.2 win never, once or twice with 0.4, 0.5 and 0.1."""
    assert [0.4, 0.9, 1.0] == [poisson_binomial_at_most(w, (0.5, 0.2)) for w in (0, 1, 2)]
    assert [1.0, 0.6, 0.1] == [poisson_binomial_at_least(w, (0.5, 0.2)) for w in (0, 1, 2)]
    assert (0.0, 0.0) == (poisson_binomial_at_most(-1, ()), poisson_binomial_at_least(1, ()))


def test_many_wins_at_one_price_are_binomial() -> None:
    """Cutting off what is next to nothing changes no digit, far in the tail too."""
    chances = [0.25] * 1000

    assert binomial_at_most(200, 1000, 0.25) == pytest.approx(
        poisson_binomial_at_most(200, chances), rel=1e-8
    )
    assert binomial_at_least(340, 1000, 0.25) == pytest.approx(
        poisson_binomial_at_least(340, chances), rel=1e-8
    )


def test_certain_wins_and_losses_are_counted() -> None:
    """A trade bought at one dollar always wins, one bought at nothing never."""
    chances = (1.0, 1.0, 0.0, 0.5)

    assert 0.0 == poisson_binomial_at_most(1, chances)
    assert (0.5, 1.0) == (
        poisson_binomial_at_most(2, chances),
        poisson_binomial_at_most(3, chances),
    )


def test_impossible_prices_are_refused() -> None:
    """A chance above one is no chance."""
    with pytest.raises(ValueError, match="chances"):
        poisson_binomial_at_most(0, (1.2,))


@pytest.mark.parametrize(
    ("table", "greater", "both"),
    [
        ((3, 4, 1, 4), 17 / 70, 34 / 70),
        ((8, 10, 1, 6), 0.024475524475524483, 0.034965034965034975),
        ((0, 0, 3, 5), 1.0, 1.0),
        ((0, 5, 0, 5), 1.0, 1.0),
    ],
)
def test_fisher_and_the_tea(table: tuple[int, int, int, int], greater: float, both: float) -> None:
    """Three of four cups prove little; another is as in scipy; an empty one proves nothing."""
    assert (greater, both) == pytest.approx(fisher_exact(*table))


def test_counts_that_scatter() -> None:
    """The tails are scipy's for nbinom(2, 2/7), and a plain Poisson's without extra scatter."""
    assert 0.442196703754388 == pytest.approx(NegativeBinomial(5.0, 2.0).at_most(3), rel=1e-8)
    assert 0.008024890300577 == pytest.approx(NegativeBinomial(5.0, 2.0).at_least(20), rel=1e-6)
    plain = NegativeBinomial(2.0, math.inf)
    assert math.exp(-2) * (1 + 2 + 2) == pytest.approx(plain.at_most(2))
    assert (0.0, 1.0) == (plain.at_most(-1), plain.at_least(0))
    assert (1.0, 0.0) == (
        NegativeBinomial(0.0, math.inf).at_most(0),
        NegativeBinomial(0.0, math.inf).at_least(1),
    )


def test_scatter_is_fitted_by_its_moments() -> None:
    """Mean 4 and variance 10 make a shape of 16/6; no more than chance makes it infinite."""
    assert NegativeBinomial(4.0, math.inf) == fit_negative_binomial([3, 4, 5])
    found = fit_negative_binomial([0, 4, 4, 8, 2, 6])
    assert found is not None
    assert (4.0, 4.0) == pytest.approx((found.mean, found.shape))
    assert fit_negative_binomial([3]) is None


# Many tests


def test_false_discoveries_as_published() -> None:
    """Of fifteen tests four are found at 5 % by Benjamini and Hochberg, three by Holm."""
    q, p = benjamini_hochberg(PUBLISHED_PS), holm(PUBLISHED_PS)

    assert 4 == sum(1 for value in q if value <= 0.05)
    assert 3 == sum(1 for value in p if value <= 0.05)
    assert 0.0095 * 15 / 4 == pytest.approx(q[3])
    assert 0.0019 * 13 == pytest.approx(p[2])


def test_adjusted_by_hand() -> None:
    """The order of the tests does not matter and no adjusted value overtakes another."""
    assert (0.03, 0.06, 0.06, 0.02) == holm((0.01, 0.04, 0.03, 0.005))
    assert (0.02, 0.04, 0.04, 0.02) == benjamini_hochberg((0.01, 0.04, 0.03, 0.005))
    with pytest.raises(ValueError, match="p-value"):
        holm((0.5, 1.5))


# Forecasts


SOME = (Forecast(0.9, 1.0), Forecast(0.8, 1.0), Forecast(0.8, 0.0), Forecast(0.1, 0.0))


def test_scores_by_hand() -> None:
    """Squared errors 0.01, 0.04, 0.64, 0.01; surprises -ln 0.9, -ln 0.8, -ln 0.2, -ln 0.9."""
    assert 0.175 == brier(SOME)
    assert -sum(map(math.log, (0.9, 0.8, 0.2, 0.9))) / 4 == pytest.approx(log_loss(SOME))
    assert (None, None, None) == (brier(()), log_loss(()), decompose(()))


def test_a_wrong_certainty_is_not_infinitely_wrong() -> None:
    """It costs the log of a millionth."""
    assert -math.log(1e-6) == pytest.approx(log_loss([Forecast(1.0, 0.0)]))


def test_the_score_is_the_sum_of_its_parts() -> None:
    """Bins 0.1, 0.8 and 0.9 with base rate one half: worked by hand."""
    parts = decompose(SOME)

    assert parts is not None
    assert (0.1**2 + 2 * 0.3**2 + 0.1**2) / 4 == pytest.approx(parts.reliability)
    assert (0.5**2 + 0.5**2) / 4 == pytest.approx(parts.resolution)
    assert (0.25, 0.0) == pytest.approx((parts.uncertainty, parts.within))


def test_bins_have_their_edges() -> None:
    """0.3 opens the fourth bin although 0.3 * 10 is not 3 in floats; 1 closes the last."""
    bins = calibration([Forecast(0.3, 1.0), Forecast(0.299999, 0.0), Forecast(1.0, 0.5)])

    assert [(2, 1), (3, 1), (9, 1)] == [(i, b.count) for i, b in enumerate(bins) if b.count]
    assert bins[3].bounds == wilson(1, 1)
    # A void market is no success and no failure.
    assert (0.5, None) == (bins[9].happened, bins[9].bounds)
    assert (None, None, None) == (bins[0].forecast, bins[0].happened, bins[0].bounds)


def test_an_impossible_forecast_is_refused() -> None:
    """A probability above 1 is a mistake."""
    with pytest.raises(ValueError, match="forecast"):
        calibration([Forecast(1.5, 1.0)])


# Returns


def test_returns_by_hand() -> None:
    """Days of 1, -1, 2 and 0 dollars on 10: mean 0.5, sd 1.2910, downside 0.5, one fall of 1."""
    days = (1.0, -1.0, 2.0, 0.0)

    assert 0.5 / math.sqrt(5 / 3) * math.sqrt(365) == pytest.approx(sharpe(days))
    assert 0.5 / 0.5 * math.sqrt(365) == pytest.approx(sortino(days))
    assert 0.5 * 365 / 10 / (1 / 11) == pytest.approx(calmar(days, start=10.0))
    assert (3.0, 0.5) == (profit_factor(days), expectancy(days))


def test_the_deepest_fall() -> None:
    """From 13 to 8, not the later and smaller one; a fall from the start counts too."""
    found = max_drawdown((1.0, 2.0, -5.0, 6.0, -4.0), start=10.0)

    assert (5.0, 1, 2) == (found.depth, found.high_at, found.low_at)
    assert 5 / 13 == pytest.approx(found.share)
    assert 2.0 == max_drawdown((-2.0,), start=10.0).depth
    assert (2.0, None, -1) == (
        max_drawdown((-2.0,)).depth,
        max_drawdown((-2.0,)).share,
        max_drawdown((-2.0,)).high_at,
    )


def test_a_quotient_without_a_meaning_is_unknown() -> None:
    """No days, no spread, no loss: no number."""
    assert (None, None) == (sharpe(()), sharpe((0.1, 0.1, 0.1)))
    assert (None, None) == (sortino((1.0,)), sortino((1.0, 2.0)))
    assert (None, None) == (calmar((), start=1.0), calmar((1.0,), start=1.0))
    assert (None, None) == (profit_factor((1.0,)), expectancy(()))
    assert probabilistic_sharpe((1.0, 2.0)) is None


def test_the_deflated_sharpe_ratio_as_published() -> None:
    """Bailey and López de Prado, 2014: the best of 100 has 0.1132 by luck, and 90.04 % are left."""
    luck = math.sqrt(1 / 500) * expected_maximum(100)

    found = probability_of_skill(
        2.5 / math.sqrt(250), against=luck, days=1250, skew=-3.0, kurtosis=10.0
    )

    assert 0.1132 == pytest.approx(luck, abs=5e-5)
    assert 0.9004 == pytest.approx(found, abs=5e-5)


def test_more_tries_leave_less_skill() -> None:
    """The same days are worth less the more was tried."""
    left = [deflated_sharpe(DAYS, tried=k, sd_of_tried=0.2) or 0.0 for k in (1, 5, 50)]

    assert left[0] > left[1] > left[2]
    assert left[0] == probabilistic_sharpe(DAYS)


# Power, outliers, single events


@pytest.mark.parametrize(
    ("effect", "sd", "days"),
    [(0.5, 1.0, 25), (0.3, 1.0, 69), (-0.2, 1.0, 155), (0.0, 1.0, None), (1e-9, 1.0, None)],
)
def test_days_for_a_proof(effect: float, sd: float, days: int | None) -> None:
    """Half a day's spread takes 25 days, a fifth 155, nothing for ever."""
    assert days == days_needed(effect, sd)


def test_more_tries_take_more_days() -> None:
    """A proof that counts twenty tries takes longer."""
    assert (days_needed(0.5, 1.0, false_alarm=0.05 / 20) or 0) > 25


def test_outliers_are_pulled_in() -> None:
    """Of 0 to 100 with one value of a million the mean stays near 50."""
    values = [*map(float, range(100)), 1e6]
    found = winsorised(values, 0.01)

    assert found is not None
    assert (1 * 1 + sum(range(1, 99)) + 99 + 99) / 101 == pytest.approx(found[0])
    assert winsorised([1.0]) is None
    assert (2.0, 1.0) == winsorised([1.0, 2.0, 3.0], 0.0)


def test_quantiles_are_interpolated() -> None:
    """A quarter of the way from 1 to 5 is 2."""
    assert (1.0, 2.0, 5.0) == tuple(quantile((1.0, 2.0, 3.0, 4.0, 5.0), p) for p in (0, 0.25, 1))
    with pytest.raises(ValueError, match="quantile"):
        quantile((), 0.5)


def test_one_event_may_carry_everything() -> None:
    """Without the largest event of +5, -1, -2 the sign changes; it had 250 % of the effect."""
    found = leave_one_out({"b": -1.0, "a": 5.0, "c": -2.0})

    assert found is not None
    assert (2.0, False, -3.0, "a", 2.5) == (
        found.total,
        found.keeps_sign,
        found.weakest,
        found.largest,
        found.largest_share,
    )


def test_losses_have_a_largest_event_too() -> None:
    """In the direction of the whole; ties go by name; a single event has nothing beside it."""
    found = leave_one_out({"b": -2.0, "a": -2.0, "c": 1.0})

    assert found is not None
    assert ("a", True, -1.0) == (found.largest, found.keeps_sign, found.weakest)
    assert leave_one_out({"a": 1.0}) is None
    assert leave_one_out({"a": 1.0, "b": -1.0}) is None


# Bets


def test_the_first_bet() -> None:
    """An event three deviations down pays each stake in full: 1.3, 1.6 and 1.9."""
    assert 1.6 == EProcess().after(-3.1).wealth
    assert 1.6 == EProcess().after(-50.0).wealth


def test_steady_losses_raise_the_alarm() -> None:
    """One deviation down at every event alarms at the sixteenth: (1.27^16 + …) / 3 > 20."""
    process, alarms = EProcess(), []
    for _ in range(16):
        process = process.after(-1.0)
        alarms.append(process.alarms)

    assert [False] * 15 + [True] == alarms
    assert (1.27**16 + 1.18**16 + 1.09**16) / 3 == pytest.approx(process.wealth)
    assert 16 == process.events


def test_quiet_events_lose_the_stakes() -> None:
    """Where nothing changed, wealth shrinks; a missing score is refused, not taken for zero."""
    process = EProcess()
    for _ in range(50):
        process = process.after(0.0)

    assert process.wealth < 0.7
    with pytest.raises(ValueError, match="without a score"):
        process.after(math.nan)
