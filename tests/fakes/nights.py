"""A lane whose stops sell too early, its settings file, and replays that say what they are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs

from market_bot.adapters.llm.rule_table import RuleTable
from market_bot.bootstrap.config_store import config_files
from market_bot.bootstrap.second_layer import objection_in
from market_bot.core.domain import events as ev
from market_bot.core.domain.analytics.window import Window
from market_bot.core.domain.leaks import examples as made
from market_bot.core.domain.leaks import premature_stop
from market_bot.core.domain.leaks.judge import Review
from market_bot.core.domain.nights import DAY, NightLog, judged_by
from market_bot.core.domain.numbers import Micros, Money, money, utc_date
from market_bot.core.domain.replay_result import Coverage, Fidelity, Variant
from market_bot.core.domain.tuning.ladder import rungs
from market_bot.core.ports.replays import NotReplayed, Replayed, Replays, Variation
from market_bot.core.ports.windows import Following, Windows
from market_bot.core.usecases.decide_proposal import Ledger
from market_bot.core.usecases.propose_changes import Outcome, ProposeChanges, Standing
from market_bot.core.usecases.review_leaks import ReviewLeaks, review_facts
from tests.fakes.replay_results import a_fidelity, a_variant_result, some_days
from tests.fakes.tuning import FILE, allowlist, every_knob_file

CHAIN = "kalshi/paper"
NIGHT = "2026-11-22"
NOW = Micros(judged_by(NIGHT)[1] + 1_800_000_000)
DISTANCE = "exits.stop_loss.distance"
CONFIRM = "exits.stop_loss.confirm_seconds"
FINDING = f"{NIGHT}:premature_stop:"
CENT = 10**10


class StopsTooEarly(Windows):
    """Every window of it holds forty stops that an hour would have made good."""

    def __init__(self, worth: str = "0.03") -> None:
        self._worth = worth
        self.asked: list[tuple[int, int]] = []

    def read(self, since: Micros, until: Micros) -> Window:
        self.asked.append((since, until))
        stops = [made.departure(i, worth=self._worth) for i in range(40)]
        window = made.window(departures=stops)
        return attrs.evolve(window, chain=CHAIN, since=since, until=until)

    def follow(self, since: Micros) -> Following:
        raise NotImplementedError


class ToldReplays(Replays):
    """Says that each value makes so many cents a day and event more than the one in force.

    Args:
        cents: by ``path=value``; values that are not named make no difference.
        days: how many days were recorded.
        same: how many of a hundred decisions are decided again.
        missing: why nothing can be replayed, if so.

    """

    def __init__(
        self,
        cents: Mapping[str, int] | None = None,
        *,
        days: int = 21,
        same: int = 100,
        missing: str = "",
    ) -> None:
        self.cents, self.days, self.same, self.missing = cents or {}, days, same, missing
        self.asked: list[tuple[Variation, ...]] = []

    def replay(self, night: str, variations: Sequence[Variation]) -> Replayed | NotReplayed:
        self.asked.append(tuple(variations))
        if self.missing:
            return NotReplayed(self.missing)
        days = some_days(self.days)
        return Replayed(
            base=self._variant("base", 0, days),
            variants={
                one.name: self._variant(one.name, self.cents.get(one.name, 0), days)
                for one in variations
            },
            days=days,
            training=(NIGHT,),
            coverage=Coverage(takers=True, makers=True, days=days, markets=9),
            fidelity=self._fidelity(),
        )

    def _fidelity(self) -> Fidelity:
        return a_fidelity(self.same, 100)

    @staticmethod
    def _variant(name: str, cents: int, days: Sequence[str]) -> Variant:
        per_day = {
            day: {
                f"E{number}-{place}": Money(
                    (100 + cents + (cents and 20 * ((number * number + place) % 7))) * CENT
                )
                for place in range(3)
            }
            for number, day in enumerate(days)
        }
        return Variant(name=name, models=(a_variant_result(per_day, name=name),))


def every_step(cents: int, *, path: str = DISTANCE) -> dict[str, int]:
    """Return that the next two values of a knob make so much more."""
    entry = allowlist().entries[path]
    now = Decimal(entry.value or "0")
    ahead = [value for value in rungs(entry.knob, entry.value) if Decimal(value) > now]
    return {f"{path}={value}": cents for value in ahead[:2]}


@attrs.define
class Lane:
    """A lane's night put together from fakes, with a real settings file in a folder.

    Args:
        folder: where the file is put.
        replays: what replays say.
        worth: what the stopped contracts were worth later, more than the stop brought.

    """

    folder: Path
    replays: Replays = attrs.field(factory=ToldReplays)
    worth: str = "0.03"
    ledger: Ledger = attrs.field(factory=Ledger)
    advisor: Any = attrs.field(factory=RuleTable)

    def __attrs_post_init__(self) -> None:
        (self.folder / FILE).write_bytes(every_knob_file())

    @property
    def store(self) -> Any:
        """The settings files."""
        return config_files(self.folder)

    def review(self, night: str = NIGHT, log: NightLog | None = None) -> Review:
        """Return the verdict on a night, on which the leak was seen the night before as well."""
        knobs = {path: entry.value for path, entry in allowlist().entries.items()}
        reviewing = ReviewLeaks(
            windows=StopsTooEarly(self.worth),
            rules=[premature_stop.RULE],
            chain=CHAIN,
            knobs=knobs,
        )
        return reviewing.review(night, seen_before(night) if log is None else log)

    def propose(self, review: Review | None = None) -> Outcome:
        """Return what came of the night."""
        proposing = ProposeChanges(
            chain=CHAIN,
            file=FILE,
            allowlist=allowlist((self.folder / FILE).read_bytes()),
            advisor=self.advisor,
            replays=self.replays,
            store=self.store,
            objection=objection_in(self.folder),
        )
        standing = Standing(
            log=self.ledger.log, queue=self.ledger.queue, memory=self.ledger.memory, now=NOW
        )
        return proposing.propose(review or self.review(), standing)

    def hear(self, *facts: ev.Event, at: Micros = NOW) -> None:
        """Write facts down."""
        for fact in facts:
            self.ledger = self.ledger.hear(at, fact)

    def live_through(self) -> Outcome:
        """Work on the whole night and write it down."""
        review = self.review()
        self.hear(*review_facts(review))
        outcome = self.propose(review)
        self.hear(*outcome.facts)
        return outcome


def seen_before(night: str) -> NightLog:
    """Return the log of a lane that saw the leak on the two nights before."""
    log = NightLog()
    _, until = judged_by(night)
    for back in (2, 1):
        name = utc_date(Micros(until - back * DAY))
        log = log.hear(Micros(until - back * DAY), leak(name))
        log = log.hear(Micros(until - back * DAY), reviewed(name))
    return log


def reviewed(night: str, *, confirmed: int = 1) -> ev.LeakReview:
    """Return that a night was judged."""
    since, until = judged_by(night)
    return ev.LeakReview(night=night, since=since, until=until, findings=1, confirmed=confirmed)


def leak(night: str = NIGHT, **others: Any) -> ev.Leak:
    """Return a confirmed finding of a night."""
    values: dict[str, Any] = {
        "finding": f"{night}:premature_stop:",
        "rule": "premature_stop",
        "version": 1,
        "status": "confirmed",
        "kind": "tuning",
        "night": night,
        "n": 40,
        "events": 40,
        "cost_low": money("2"),
        "cost_point": money("3"),
        "knobs": (DISTANCE, CONFIRM),
    }
    return ev.Leak(**{**values, **others})


def ended(night: str = NIGHT, **others: Any) -> ev.NightEnded:
    """Return that a night is over."""
    return ev.NightEnded(**{"night": night, "queued": 0, "dropped": 0, **others})
