"""Every number by which a leak is judged, in one place, with where it comes from.

*Theory*: follows from what is to be bounded. *Power*: chosen so that an effect of twice the minimum
is found with the activity of the reference lane (see ``synthetic``). *Convention*: a round number
that many agree on. One was made stricter after a measurement, and says so.
"""

from __future__ import annotations

from typing import Final

# Resampling. Theory: a p of 1e-4 can be told from 1e-3, and a Monte Carlo error of 10 % at 1 %.
DRAWS: Final = 10_000
# A first look with few draws; what is nowhere near a finding is not drawn 10,000 times. Theory: a
# true p of ALPHA shows more than SCREEN_P in 0.5 % of all first looks.
SCREEN_DRAWS: Final = 399
SCREEN_P: Final = 0.08
# Two-sided level of all intervals: 5 % beyond each end. Convention.
LEVEL: Final = 0.90
# What one test may err by itself, before corrections. Convention; the end of LEVEL.
ALPHA: Final = 0.05

# Over rules (Holm), and over subjects inside a rule (Benjamini-Hochberg). Convention: 10 tests at
# 5 % each would err in 40 % of all nights.
DAY_ALPHA: Final = 0.10
WEEK_ALPHA: Final = 0.05
INSIDE_Q: Final = 0.10
# A leak is believed when it was seen in two of three nights.
NIGHTS: Final = 3
NIGHTS_SEEN: Final = 2

# Robustness. Convention: one event in five may not carry an effect; beyond 60 % it is *the* effect.
EVENT_SHARE_MAX: Final = 0.20
DOMINATED: Final = 0.60
EVIDENCE_MAX: Final = 50

# Cooldown over-rejection. Convention: more refused than let in, with certainty. Power: the counts.
COOLDOWN_MIN: Final = 30
COOLDOWN_EVENTS: Final = 15
COOLDOWN_SHARE: Final = 0.60
FLAPPING_MARKETS: Final = 2

# Family loser. Theory: at 20 events a harmless family is flagged by an exact test in 5.9 % of
# nights, and one of ten families in 45 %: hence the correction inside the rule. Shrinkage: 20
# trades of all families count beside a family's own.
FAMILY_EVENTS: Final = 20
FAMILY_PRIOR: Final = 20.0
FAMILY_PEERS: Final = 20
FAMILY_EDGE_MULTIPLE: Final = 2

# Premature stop. Power.
STOP_MIN: Final = 15
STOP_EVENTS: Final = 10
STOP_BAD_SHARE: Final = 0.50

# Late exit. Power; the ladders are legal values of the exits' knobs.
LATE_MIN: Final = 20
LATE_EVENTS: Final = 12
LATE_GAINS: Final = (30_000, 50_000, 70_000, 100_000, 150_000)
LATE_MINUTES: Final = (10, 15, 20, 30, 40, 50)
LATE_TRAILS: Final = (30_000, 50_000, 80_000)
PLATEAU: Final = 0.50

# Spread and slippage. Convention: half of the expected edge, half a tick of a cent.
SHORTFALL_MIN: Final = 30
SHORTFALL_EVENTS: Final = 15
SHORTFALL_SHARE: Final = 0.50
HALF_TICK: Final = 0.005
DELAY_SHARE: Final = 0.60

# Fees. Convention: two fifths of the edge.
FEES_MIN: Final = 40
FEES_EVENTS: Final = 20
FEES_SHARE: Final = 0.40
SWITCHABLE_MIN: Final = 20

# Adverse selection. Theory: what lasts from 5 to 30 minutes is information, the rest is impact.
ADVERSE_MIN: Final = 40
ADVERSE_EVENTS: Final = 20
ADVERSE_SECONDS: Final = (300, 1800)
OLD_BOOK_SECONDS: Final = 10

# Entry threshold. Power: fifths, with 15 events in each. Theory: the slope is asked for only where
# the lowest fifth lost, which leans it upwards; so it has to be surer than elsewhere. Measured: at
# 0.80 one of five lanes whose edge predicts nothing passed for tuning.
BUCKETS: Final = 5
BUCKET_EVENTS: Final = 15
NEAR_MISS: Final = 0.50
SLOPE_LEVEL: Final = 0.98

# Idle capital. Convention: less than half of the money at work.
IDLE_MIN: Final = 20
IDLE_EVENTS: Final = 10
IDLE_UTILISATION: Final = 0.50
DEPTH_MULTIPLE: Final = 2

# Time and resolution. Power; the permutation is over labels within a day.
CELL_EVENTS: Final = 20
CELL_HOURS: Final = (1, 6, 24)
CELL_BLOCKS: Final = 4
PERMUTATIONS: Final = 1_999
PERMUTATIONS_SCREEN: Final = 199

# Health checks. Convention.
HEALTH_MIN: Final = 30
FAILED_SHARE: Final = 0.02
BOTH_SIDES_EVENTS: Final = 5
BOTH_SIDES_SHARE: Final = 0.01
STALE_SECONDS: Final = 60
STALE_SHARE: Final = 0.05
REVERSED_SHARE: Final = 0.01
REVERSED_MIN: Final = 3
GAP_FILLS_MIN: Final = 30
