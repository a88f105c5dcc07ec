"""Every number by which a trial is judged, in one place, with where it comes from.

*Theory*: follows from what is to be bounded. *Measured*: chosen in simulations of quiet and harmful
changes; see the page on rollback. *Convention*: a round number that is not fitted to anything.
"""

from __future__ import annotations

from typing import Final

from market_bot.core.domain.numbers import HOUR, SECOND, Duration

MINUTE: Final = Duration(60 * SECOND)
DAY: Final = Duration(24 * HOUR)

# When a trial is looked at, in covered minutes. Convention.
LOOKS: Final = (5, 15, 30, 60)
LAST_LOOK: Final = LOOKS[-1]
# How much of a test's false alarms each look may spend. Theory: early looks need overwhelming
# evidence (O'Brien and Fleming, 1979); the shares sum to one.
SHARES: Final = {5: 0.1, 15: 0.2, 30: 0.3, 60: 0.4}

# Ages at which a new trade has a price, in seconds: the price at the decision, then what marks are
# taken of. The first has a cost and no movement yet: it counts in dollars, not in scores.
AGES: Final = (0, 60, 300, 600, 900, 1200, 1800, 2400, 3000, 3600)
FULL_AGE: Final = len(AGES) - 1

# The baseline. Convention: four weeks; a hundredth pulled in on each side; twenty imagined trades
# of the pooled spread beside a bucket's own; half a tick of a cent as the least spread.
BASELINE_DAYS: Final = 28
WINSORISED: Final = 0.01
POOLED_WEIGHT: Final = 20
SPREAD_MIN: Final = 0.005
BUCKET_MIN: Final = 20
Z_CLIP: Final = 3.0

# The profit test. Theory: false alarms as placebos have them; five events before a look counts.
PNL_ALPHA: Final = 0.025
EVENTS_MIN: Final = 5
LIMIT_MIN: Final = 1.0
# Measured: used while there are too few placebos for a quantile.
LIMIT_FIXED: Final = 2.8
PLACEBOS_MIN: Final = 200
# The lowest tenth of the placebos is kept, to say how rare something is.
LOWEST_SHARE: Final = 0.1

# The tripwire: a loss that one quiet window in two hundred shows.
TRIPWIRE_ALPHA: Final = 0.005

# Trade counts: half to twice of what was predicted is tolerated. Convention.
COUNT_ALPHA: Final = 0.01
COUNT_BAND: Final = 2.0
SILENT_SHADOW: Final = 8

# Errors: at least five, at a rate of more than twice the usual, and worse than beside them. The
# contrast has shares as well. Measured: at a flat 2 % one venue incident in fifty was blamed on us.
ERRORS_MIN: Final = 5
ERROR_TIMES: Final = 2.0
ERROR_ALPHA: Final = 0.01
CONTROL_P: Final = 0.01
# What fails beside us at least half as often is a venue incident; if it is less, and the contrast
# is not clear either, the next look decides.
CONTROL_BAD: Final = 0.5
CONTROL_STEP: Final = Duration(10 * SECOND)
# A hold sets the clock back by this many minutes.
HOLD_MINUTES: Final = 5

# Alarms that need no statistics.
DOUBT_MAX: Final = MINUTE
DENIALS: Final = 3

# Coverage: of an hour four fifths at least, else it is extended to two.
COVERED_SHARE: Final = 0.8
EXTENDED: Final = 2

# What a pass after an hour must have been able to see: 0.75 deviations with a power of 80 %.
EFFECT: Final = 0.75
POWER_SCORE: Final = 0.84

# Probation. Theory: wealth of 20 is an error of 5 % (Ville, 1939). Measured: with fewer than 200
# trades the baseline's own error raises false alarms.
PROBATION_MINUTES: Final = 24 * 60
PROBATION_EVENTS: Final = 200
BASELINE_TRADES: Final = 200
PROBATION_TOLD: Final = 60

# Limits of what is held in memory.
TRADES_MAX: Final = 20_000
HISTORY_TRADES_MAX: Final = 60_000
FACTS_MAX: Final = 500_000
