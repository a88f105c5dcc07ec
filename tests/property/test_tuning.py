"""Whatever an advisor says, and however often people agree: only knobs move, and only a little.

The oracle is the pinned list of knobs and the bytes of the settings file; it shares nothing with
the code that decides.
"""

from __future__ import annotations

import functools
import json
import random
import string
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

import attrs
import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from market_bot.bootstrap.allowlists import allowlist_of
from market_bot.bootstrap.settings import settings_of
from market_bot.config import (
    ConfigError,
    Sourced,
    VenueConfig,
    canonical,
    config_hash,
    parse_venue,
)
from market_bot.config.exact_edit import edit_exactly
from market_bot.core.domain import events as ev
from market_bot.core.domain.leaks.api import Kind, Status
from market_bot.core.domain.numbers import HOUR, Micros, Money
from market_bot.core.domain.strategies.api import Knob
from market_bot.core.domain.tuning.allowlist import Allowlist, Change
from market_bot.core.domain.tuning.ladder import legal_next, rungs
from market_bot.core.domain.tuning.layer_one import Facts, check_again, numbers_in, screen
from market_bot.core.domain.tuning.layer_two import Moved, Objection, second_opinion
from market_bot.core.domain.tuning.learning import Memory
from market_bot.core.domain.tuning.proposal import (
    Draft,
    Effect,
    Grounds,
    Proposed,
    RationaleCode,
)
from market_bot.core.domain.tuning.queue import (
    NotPossible,
    Queue,
    Rejection,
    approve,
    enqueue,
    outdated,
    overdue,
    reject,
)
from tests.fakes.tuning import DAY, FILE, MIN_EDGE, NOON, Pinned, every_knob_file, pinned

PINNED: Final = pinned()
ORIGINAL: Final = every_knob_file()
FORBIDDEN: Final = (
    *("mode", "risk", "risk.max_order_usd", "risk.max_daily_loss_usd", "api.base_url"),
    *("loop.interval_ms", "tape.record", "simulation.days", "strategies", "exits.style"),
    *("strategies.bias_harvest.enabled", "strategies.bias_harvest.params.style", "paper.cash"),
    *("sizing.method", "cooldown.families.KXHIGHNY", "markets.max_watched", "nightly.at"),
    *("exits.stop_loss.measure", "strategies.bias_harvest.name", "strategies.0.params.gain"),
    *("strategies.price_level.params.style", "market.price_min", "..", "", "__class__"),
    *("exits.patience_seconds", "advisor.kind", "web.host"),
)
ODD: Final = (
    *("nan", "inf", "-1", "1e9", "0", "0.0", "true", "null", "~", "", " ", "9" * 40, "!"),
    "\uff10.\uff11",
)
PIECES: Final = ("", ".", "\n", "\u202e", "7", "risk.", "\u0410", " ", "[0]", "..", "'")


@functools.lru_cache(maxsize=16)
def parsed(data: bytes) -> Sourced[VenueConfig]:
    """Return what a file means."""
    return parse_venue(data, FILE)


@functools.lru_cache(maxsize=16)
def edited(data: bytes, path: str, before: str, after: str) -> bytes:
    """Return a file with one number replaced."""
    return edit_exactly(data, FILE, path, before=before, after=after).data


class Adversary:
    """An advisor that wants to do harm, or is only confused; it knows everything.

    What it wants most is to push a few knobs ever further.
    """

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.greedy = ("sizing.order_usd", MIN_EDGE, "exits.stop_loss.distance")

    def drafts(self, facts: Facts, count: int) -> Iterator[Draft]:
        """Yield drafts, many of which are nearly right."""
        for _ in range(count):
            yield self._draft(facts)

    def grounds(self, allowlist: Allowlist) -> dict[str, Grounds]:
        """Return findings that are as helpful to the advisor as any could be."""
        named = self.chance.sample(sorted(allowlist.entries), k=12)
        directions = {path: self.chance.choice((1, -1)) for path in named}
        directions |= dict.fromkeys((*FORBIDDEN, *self.greedy), 1)
        statuses = [Status.CONFIRMED] * 5 + [Status.SUSPECT]
        found = [
            Grounds(
                finding=f"night:rule{number}:",
                rule=f"rule{number}",
                status=self.chance.choice(statuses),
                kind=self.chance.choice([Kind.TUNING] * 4 + [Kind.STRUCTURAL]),
                directions=directions,
                cost_low=Money(self.chance.randrange(10**13)),
            )
            for number in range(4)
        ]
        return {one.finding: one for one in found}

    def _draft(self, facts: Facts) -> Draft:
        named = next(iter(facts.grounds.values())).directions
        allowed = [path for path in named if path in facts.allowlist.entries]
        path = self.chance.choice(self.chance.choice((allowed, self.greedy)))
        entry = facts.allowlist.entries[path]
        values = {
            "finding": self.chance.choice(sorted(facts.grounds)),
            "path": path,
            "before": entry.value or "",
            "after": (entry.next or ("0",))[-1 if named[path] > 0 else 0],
            "rationale_code": self.chance.choice(list(RationaleCode)).value,
            "rationale": "It lost 2.4 dollars.",
            "expected_effect": self.chance.choice(list(Effect)).value,
        }
        if self.chance.random() < 0.6:
            key = self.chance.choice(sorted(values))
            values[key] = self._twisted(key, values[key])
        return Draft(**values)

    def _twisted(self, key: str, value: str) -> str:
        if key == "path" and self.chance.random() < 0.5:
            return self.chance.choice(FORBIDDEN)
        if key in ("before", "after"):
            return self.chance.choice((*ODD, value + "0", value + " ", self._far(value)))
        at = self.chance.randrange(len(value) + 1)
        piece = self.chance.choice(PIECES)
        return value[:at] + piece + value[at + self.chance.randrange(3) :]

    def _far(self, value: str) -> str:
        try:
            return str(Decimal(value) * self.chance.choice((2, 10, -1, Decimal("1.01"))))
        except ArithmeticError:
            return value


@attrs.define
class Bot:
    """A settings file, a journal, and people who agree most of the time."""

    chance: random.Random
    data: bytes = ORIGINAL
    now: Micros = NOON
    queue: Queue = attrs.field(factory=Queue)
    memory: Memory = attrs.field(factory=Memory)
    applied: list[tuple[Micros, str, Decimal, Decimal]] = attrs.field(factory=list)
    drafted: int = 0

    def hear(self, event: ev.Event) -> None:
        """Write a fact into the journal."""
        self.queue = self.queue.hear(self.now, event)
        self.memory = self.memory.hear(self.now, event)

    def night(self, adversary: Adversary, drafts: int) -> None:
        """Let the advisor speak and people decide."""
        self.now = Micros(self.now + self.chance.randrange(1, 60) * HOUR)
        sourced = parsed(self.data)
        allowlist = allowlist_of(sourced, FILE)
        config = config_hash(sourced.config)
        for fact in (*overdue(self.queue, self.now), *outdated(self.queue, config, allowlist)):
            self.hear(fact)
        self._end_trial()
        facts = self._facts(adversary.grounds(allowlist), allowlist)
        for start in range(0, drafts, 20):
            said = adversary.drafts(facts, min(20, drafts - start))
            for proposed in screen(said, facts).kept:
                self._consider(proposed, config)
            facts = attrs.evolve(facts, queue=self.queue)
        self.drafted += drafts
        self._decide(attrs.evolve(facts, told=None))

    def _facts(self, grounds: dict[str, Grounds], allowlist: Allowlist) -> Facts:
        return Facts(
            chain="kalshi/paper",
            night=str(self.now),
            now=self.now,
            allowlist=allowlist,
            grounds=grounds,
            queue=self.queue,
            memory=self.memory,
            told=numbers_in("2.4"),
            advisor="adversary",
        )

    def _consider(self, proposed: Proposed, config: str) -> None:
        self.hear(proposed.event(config))
        if self._objects(proposed.change) is None:
            self.hear(enqueue(self.queue, proposed.id, now=self.now, card={}))
        else:
            self.hear(ev.ProposalDropped(proposal=proposed.id, layer="second", reason="x"))

    def _decide(self, facts: Facts) -> None:
        for item in self.queue.open:
            choice = self.chance.random()
            if choice < 0.15:
                self.hear(reject(self.queue, item.id, Rejection.OTHER, by="operator"))
            elif choice < 0.85:
                self._approve(item.id, facts)

    def _approve(self, name: str, facts: Facts) -> None:
        try:
            fact = approve(self.queue, name, by="operator", now=self.now)
        except NotPossible:
            return
        item = self.queue.items[name]
        change = check_again(item, attrs.evolve(facts, queue=self.queue))
        if not isinstance(change, Change) or self._objects(change) is not None:
            return
        self.hear(fact)
        self._apply(change, name)

    def _objects(self, change: Change) -> object:
        """Ask the second layer about both forms of the configuration; they must agree."""
        try:
            old, new = parsed(self.data), parsed(self._edited(change))
            settings_of(new)
        except ConfigError as e:
            return e
        history = [
            Moved(path=m.path, before=m.before, after=m.after, at=m.at) for m in self.queue.moves
        ]
        forms = (
            (old.source.data(), new.source.data()),
            (json.loads(canonical(old.config)), json.loads(canonical(new.config))),
        )
        said = [
            second_opinion(
                path=change.path,
                before=change.before,
                after=change.after,
                old=was,
                new=becomes,
                history=history,
                now=self.now,
            )
            for was, becomes in forms
        ]
        assert said[0] is said[1]
        return said[0]

    def _edited(self, change: Change) -> bytes:
        return edited(self.data, change.path, change.before, change.after)

    def _apply(self, change: Change, name: str) -> None:
        data = self._edited(change)
        self._intend(f"c{len(self.applied)}", change, f"proposal:{name}")
        trial = f"t{len(self.applied)}"
        self.hear(
            ev.TrialStarted(
                trial=trial,
                proposal=name,
                path=change.path,
                before=change.before,
                after=change.after,
            )
        )
        self._check(change, data)
        self.data = data

    def _intend(self, name: str, change: Change, cause: str) -> None:
        self.hear(
            ev.ChangeIntended(
                change=name,
                file=change.file,
                path=change.path,
                before=change.before,
                after=change.after,
                sha_before="a",
                sha_after="b",
                by="operator",
                cause=cause,
            )
        )
        self.hear(ev.ChangeEnded(change=name, outcome="applied", sha256="b"))

    def _end_trial(self) -> None:
        if self.queue.trial is not None and self.chance.random() < 0.9:
            verdict = self.chance.choice(("keep", "keep", "revert"))
            self.hear(ev.TrialEnded(trial=self.queue.trial, verdict=verdict, reason="x"))

    def _check(self, change: Change, data: bytes) -> None:
        """Judge what is about to be written by the pinned list and the file alone."""
        was, becomes = flat(self.data), flat(data)
        differs = [path for path in was if was[path] != becomes.get(path)]
        row = PINNED[change.path]
        before, after = Decimal(was[change.path]), Decimal(becomes[change.path])

        assert was.keys() == becomes.keys()
        assert [change.path] == differs
        assert Decimal(row.low) <= after <= Decimal(row.high)
        assert 0 < abs(after - before) <= Decimal(row.step)
        assert untouchable(ORIGINAL) == untouchable(data)
        self.applied.append((self.now, change.path, before, after))
        self._check_drift(row)

    def _check_drift(self, row: Pinned) -> None:
        def gone(days: int) -> Decimal:
            ways = [
                abs(after - before)
                for at, path, before, after in self.applied
                if path == row.path and at > self.now - days * DAY
            ]
            return sum(ways, Decimal(0))

        assert gone(7) <= 2 * Decimal(row.step)
        assert gone(30) <= (Decimal(row.high) - Decimal(row.low)) / 4


def flat(data: bytes) -> dict[str, str]:
    """Return the scalars of a file by path, strategies by name, all as they are written."""
    return dict(scalars(yaml.load(data, yaml.BaseLoader), ""))  # noqa: S506 - makes text only


def scalars(data: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield the scalars of plain data with their paths."""
    if not isinstance(data, (dict, list)):
        yield path, data
        return
    named = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in named:
        name = value["name"] if isinstance(data, list) and isinstance(value, dict) else key
        yield from scalars(value, f"{path}.{name}" if path else str(name))


def untouchable(data: bytes) -> bytes:
    """Return the lines of a file that no proposal may touch, byte for byte."""
    text = data.decode()
    start, end = text.index("\nrisk:"), text.index("\nmarkets:\n  families_exclude: [KXHIGHNY]  #")
    return f"{text[: text.index('markets:')]}{text[start:end]}".encode()


def run(seed: int, nights: int, drafts: int) -> Bot:
    """Let an adversary speak for some nights."""
    chance = random.Random(seed)
    bot = Bot(chance)
    for _ in range(nights):
        bot.night(Adversary(chance), drafts)
    return bot


@pytest.mark.slow
def test_an_adversary_moves_knobs_by_small_steps_at_most() -> None:
    """Thousands of hostile drafts and willing people: every change made was harmless."""
    bot = run(1, nights=10, drafts=300)

    # An adversary that never gets anything through would prove nothing.
    assert 3000 == bot.drafted
    assert len(bot.applied) >= 5
    assert config_differs(bot.data)


def config_differs(data: bytes) -> bool:
    """Tell whether a file means something else than at first, and something valid."""
    sourced = parse_venue(data, FILE)
    settings_of(sourced)
    return config_hash(sourced.config) != config_hash(parse_venue(ORIGINAL, FILE).config)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2, 6))
def test_a_hundred_thousand_hostile_drafts(seed: int) -> None:
    """As above, for a year, four times."""
    bot = run(seed, nights=250, drafts=100)

    assert 25_000 == bot.drafted
    assert len(bot.applied) >= 50


SETTINGS: Final = settings_of(parse_venue(ORIGINAL, FILE))
ALLOWED: Final = Allowlist.of(FILE, SETTINGS)


def hostile_paths(chance: random.Random) -> Iterator[str]:
    """Yield paths for ever: invented, forbidden, and allowed ones that were tampered with."""
    alphabet = string.printable + "\0\u00e9\u0410\uff10\u202e"
    known = sorted(PINNED)
    while True:
        path = chance.choice((*known, *FORBIDDEN))
        match chance.randrange(6):
            case 0:
                yield "".join(chance.choices(alphabet, k=chance.randrange(40)))
            case 1:
                at = chance.randrange(len(path) + 1)
                yield path[:at] + chance.choice(alphabet) + path[at:]
            case 2:
                at = chance.randrange(len(path) + 1)
                yield path[:at] + path[at + 1 :]
            case 3:
                yield chance.choice((path.upper(), path.title(), f"../{path}", path + "."))
            case 4:
                steps = path.split(".")
                chance.shuffle(steps)
                yield ".".join(steps)
            case _:
                yield path


def test_ten_thousand_paths() -> None:
    """What is accepted is on the pinned list, exactly; both layers think so."""
    chance = random.Random(7)
    paths = hostile_paths(chance)
    accepted = set()
    for _ in range(10_000):
        path = next(paths)
        opinion = second_opinion(
            path=path, before="1", after="1", old={}, new={}, history=(), now=NOON
        )
        assert (ALLOWED.get(path) is not None) is (path in PINNED)
        assert (str(opinion) != "Objection.UNKNOWN_KNOB") is (path in PINNED)
        accepted |= {path} & ALLOWED.entries.keys()

    assert set(PINNED) == accepted


NUMBERS = st.decimals(min_value=-10, max_value=10_000, places=4).map(str)


@given(
    low=st.integers(0, 50),
    steps=st.integers(4, 400),
    step=st.sampled_from(["0.002", "0.01", "0.25", "1", "30"]),
    value=NUMBERS,
    on_rung=st.integers(0, 500),
)
@example(low=0, steps=4, step="1", value="0", on_rung=0)
def test_every_ladder_keeps_its_promise(
    low: int, steps: int, step: str, value: str, on_rung: int
) -> None:
    """Next values are multiples of the step, within bounds, one step away at most."""
    size = Decimal(step)
    lowest, highest = size * low / 2, size * low / 2 + size * steps
    knob = Knob(low=str(lowest), high=str(highest), step=step, unit="x")
    for present in (value, str(size * on_rung)):
        following = legal_next(knob, present)
        assert len(following) <= 2
        assert len(rungs(knob, present)) <= 9
        for rung in map(Decimal, (*following, *rungs(knob, present))):
            assert lowest <= rung <= highest
            assert 0 == rung % size
        for rung in map(Decimal, following):
            assert 0 < abs(rung - Decimal(present)) <= size
        if not following and lowest <= Decimal(present) <= highest:
            assert steps == 4 or low % 2


RICH: Final = parse_venue(ORIGINAL, FILE)
BEFORE: Final = json.loads(canonical(RICH.config))


def places(data: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every place of plain data: what holds it, and its key there."""
    items = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in list(items):
        yield data, key
        if isinstance(value, (dict, list)):
            yield from places(value)


VALUES = st.sampled_from(
    [None, True, False, 0, 1, -1, "", "0", "x", "26", [], {}, ["a"], {"decimal": "1"}, {"a": 1}]
)


def test_the_second_layer_tells_nothing_from_nothing() -> None:
    """A list that is empty and a section that is empty are not the same."""
    becomes = json.loads(json.dumps(BEFORE))
    edge = next(s for s in becomes["strategies"] if s["name"] == "bias_harvest")["params"]
    edge["min_edge"] = {"decimal": "0.012"}
    becomes["markets"]["categories_include"] = {}

    assert Objection.MORE_THAN_ONE_VALUE is second_opinion(
        path=MIN_EDGE, before="0.01", after="0.012", old=BEFORE, new=becomes, history=(), now=NOON
    )


@given(data=st.data())
def test_the_second_layer_sees_every_other_difference(data: st.DataObject) -> None:
    """Whatever else is put anywhere in the configuration, or taken out, the change is refused."""
    becomes = json.loads(json.dumps(BEFORE))
    edge = next(s for s in becomes["strategies"] if s["name"] == "bias_harvest")["params"]
    edge["min_edge"] = {"decimal": "0.012"}
    announced = json.loads(json.dumps(becomes))
    holder, key = data.draw(st.sampled_from(list(places(becomes))))
    if data.draw(st.booleans()):
        holder[key] = data.draw(VALUES)
    elif isinstance(holder, dict):
        del holder[key]
    else:
        holder.pop(key)

    opinion = second_opinion(
        path=MIN_EDGE,
        before="0.01",
        after="0.012",
        old=BEFORE,
        new=becomes,
        history=(),
        now=NOON,
    )

    assert (opinion is None) is (json.dumps(announced) == json.dumps(becomes))


@given(
    facts=st.lists(
        st.tuples(
            st.sampled_from(["rejected", "approved", "revert", "keep"]),
            st.sampled_from([("0.01", "0.012"), ("0.012", "0.01"), ("0.01", "0.008")]),
            st.sampled_from(["rule0", "rule1"]),
            st.integers(0, 40),
        ),
        max_size=12,
    ),
    seed=st.integers(0, 1000),
)
def test_learning_never_allows_anything(facts: list[Any], seed: int) -> None:
    """What passes with any memory passes without one: learning silences and sorts."""
    memory = Memory()
    for number, (what, (before, after), rule, day) in enumerate(facts):
        at = Micros(NOON - day * DAY)
        name = f"p{number}"
        told: list[ev.Event] = [
            ev.Proposal(
                proposal=name,
                finding=f"night:{rule}:",
                file=FILE,
                path=MIN_EDGE,
                before=before,
                after=after,
                rationale="",
                advisor="",
                config_sha256="",
            ),
            ev.ProposalDecided(proposal=name, decision=what, by="x", reason="other"),
            ev.TrialStarted(trial=name, proposal=name, path="", before=before, after=after),
            ev.TrialEnded(trial=name, verdict=what, reason=""),
        ]
        for fact in told:
            memory = memory.hear(at, fact)
    chance = random.Random(seed)
    adversary = Adversary(chance)
    known = Facts(
        chain="c",
        night="n",
        now=NOON,
        allowlist=ALLOWED,
        grounds=adversary.grounds(ALLOWED),
        queue=Queue(),
        memory=Memory(),
        told=numbers_in("2.4"),
        advisor="a",
    )
    for draft in adversary.drafts(known, 10):
        without = {kept.id for kept in screen([draft], known).kept}
        learnt = {kept.id for kept in screen([draft], attrs.evolve(known, memory=memory)).kept}
        assert learnt <= without
