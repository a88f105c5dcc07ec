"""Yes and no from a page: to exactly what was shown, and one of them only."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import pytest

from market_bot.bootstrap.shown_decisions import Decisions, LaneDecisions
from market_bot.bootstrap.shown_tuning import proposals_of, raises_exposure
from market_bot.core.domain.tuning.queue import NotPossible, Queue, Stage, Waiting
from market_bot.core.ports.dashboard import (
    BadQueryError,
    ConflictError,
    Consent,
    NotThereError,
    Shown,
    StepUpError,
)
from market_bot.core.ports.desk import NightDesk
from market_bot.core.ports.journal import Chain
from market_bot.core.usecases.decide_proposal import Ledger
from market_bot.core.usecases.lane_controls import CommandRefused
from tests.fakes.web import Wall

CHAIN = Chain("kalshi", "paper")


def an_item(**changes: Any) -> Waiting:
    """Return a proposal that waits."""
    item = Waiting(
        id="p1",
        finding="2026-11-22:late_exit:",
        file="kalshi.yaml",
        path="cooldown.after_exit_seconds",
        before="300",
        after="240",
        rationale="because <b>",
        advisor="rules",
        config="c0ffee",
        card={"verdict": "improves"},
        stage=Stage.QUEUED,
    )
    return attrs.evolve(item, **changes)


class FakeNights(NightDesk):
    """Carries out what it is told, as the bot does: the first decision counts."""

    def __init__(self, *items: Waiting) -> None:
        self.queue = Queue(items={item.id: item for item in items})
        self.done: list[tuple[str, str]] = []
        self.not_now = ""

    def evaluate(self, chain: str) -> None:
        raise NotImplementedError(chain)

    def listed(self) -> Sequence[Mapping[str, object]]:
        raise NotImplementedError

    def show(self, proposal: str) -> Mapping[str, object]:
        item = self.queue.items[proposal]
        told: dict[str, object] = {n: getattr(item, n) for n in ("file", "path", "before", "after")}
        return told | ({"not_now": self.not_now} if self.not_now else {"token": "night's own"})

    def approve(self, proposal: str, token: str, by: str) -> Mapping[str, object]:
        assert "night's own" == token
        self._decide(proposal, Stage.APPROVED, by)
        return {}

    def reject(self, proposal: str, reason: str, note: str, by: str) -> Mapping[str, object]:
        self._decide(proposal, Stage.REJECTED, by)
        return {}

    def _decide(self, proposal: str, stage: Stage, by: str) -> None:
        item = self.queue.items[proposal]
        if item.stage is not Stage.QUEUED:
            msg = f"it is {item.stage.value}"
            raise CommandRefused(msg) from NotPossible(msg)
        decided = attrs.evolve(item, stage=stage, by=by)
        self.queue = attrs.evolve(self.queue, items={**self.queue.items, proposal: decided})
        self.done.append((stage.value, proposal))


class Desk:
    """One lane's decisions."""

    def __init__(self, *items: Waiting) -> None:
        self.wall = Wall()
        self.nights = FakeNights(*items)
        self.decisions = Decisions(self.wall)
        self.lane = LaneDecisions(
            chain=CHAIN, ledger=lambda: Ledger(queue=self.nights.queue), nights=self.nights
        )

    def consent(self, **changes: str) -> Consent:
        """Ask for a token for what the page shows."""
        shown = Shown(
            lane="kalshi/paper",
            proposal="p1",
            file="kalshi.yaml",
            path="cooldown.after_exit_seconds",
            before="300",
            after="240",
            config="c0ffee",
        )
        return self.decisions.consent(self.lane, attrs.evolve(shown, **changes))

    def approve(self, token: str, *, sure: bool = False) -> str:
        """Say yes."""
        return self.decisions.approve(self.lane, "p1", token, "dashboard:1", sure=sure)

    def reject(self, token: str, reason: str = "too_risky", note: str = "") -> str:
        """Say no."""
        return self.decisions.reject(
            self.lane, "p1", token, "dashboard:1", reason=reason, note=note
        )


def test_one_click_does_it() -> None:
    """A token for what is shown, and the change is made; the page is told what."""
    desk = Desk(an_item())

    told = desk.approve(desk.consent().token)

    assert "cooldown.after_exit_seconds is 240 from now on (it was 300)" == told
    assert [("approved", "p1")] == desk.nights.done


def test_no_is_one_click_too() -> None:
    """A rejection needs the same consent and a reason."""
    desk = Desk(an_item())
    token = desk.consent().token
    with pytest.raises(BadQueryError, match="too_risky"):
        desk.reject(token, reason="because")
    with pytest.raises(BadQueryError, match="one line"):
        desk.reject(token, note="two\nlines")

    assert "stays 300" in desk.reject(token)
    assert [("rejected", "p1")] == desk.nights.done


@pytest.mark.parametrize("name", ["file", "path", "before", "after", "config"])
def test_nothing_is_agreed_to_that_was_not_shown(name: str) -> None:
    """A page that shows anything else than there is gets no token."""
    desk = Desk(an_item())

    with pytest.raises(ConflictError, match="not what this page shows"):
        desk.consent(**{name: "other"})


def test_a_token_is_for_one_change() -> None:
    """If the proposal becomes another one in between, the token is good for nothing."""
    desk = Desk(an_item())
    token = desk.consent().token
    desk.nights.queue = Queue(items={"p1": an_item(after="360")})

    with pytest.raises(ConflictError, match="not what was shown"):
        desk.approve(token)
    assert [] == desk.nights.done


def test_a_token_is_good_once_and_for_a_while() -> None:
    """The second use, the token before the last one, a guess and an old one are refused."""
    desk = Desk(an_item())
    first = desk.consent().token
    second = desk.consent().token
    for token in (first, "guess", ""):
        with pytest.raises(ConflictError):
            desk.approve(token)
    desk.wall.move(15 * 60)
    with pytest.raises(ConflictError, match="out of date"):
        desk.approve(second)

    desk.approve(desk.consent().token)

    with pytest.raises(ConflictError, match="approved by dashboard:1"):
        desk.approve(second)
    with pytest.raises(ConflictError, match="approved"):
        desk.consent()
    assert [("approved", "p1")] == desk.nights.done


def test_yes_and_no_at_once() -> None:
    """Of a double click, two tabs, and yes beside no, exactly one wins; the rest hear 409."""
    for _ in range(20):
        desk = Desk(an_item())
        lost: list[ConflictError] = []
        together = threading.Barrier(4)

        def decide(desk: Desk, number: int, lost: list[ConflictError], all_: Any) -> None:
            all_.wait()
            try:
                token = desk.consent().token
                desk.approve(token) if number % 2 else desk.reject(token)
            except ConflictError as e:
                lost.append(e)

        threads = [
            threading.Thread(target=decide, args=(desk, number, lost, together))
            for number in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert 1 == len(desk.nights.done)
        assert 3 == len(lost)


def test_more_at_stake_takes_a_second_proof() -> None:
    """A larger order needs it, whatever else is fine, and the token is not used up by asking."""
    item = an_item(path="sizing.order_usd", before="10", after="12")
    desk = Desk(item)
    token = desk.consent(path="sizing.order_usd", before="10", after="12").token
    with pytest.raises(StepUpError):
        desk.approve(token)

    desk.approve(token, sure=True)

    assert [("approved", "p1")] == desk.nights.done
    assert proposals_of("kalshi/paper", Queue(items={"p1": item})).open[0].raises_exposure
    assert not raises_exposure("sizing.order_usd", "12", "10")
    assert not raises_exposure("cooldown.after_exit_seconds", "240", "300")


def test_what_the_bot_refuses_now_is_told() -> None:
    """If the bot finds the change out of place after all, its reason is what the page hears."""
    desk = Desk(an_item())
    desk.nights.not_now = "the second layer says: drift"

    token = desk.consent().token
    with pytest.raises(ConflictError, match="drift"):
        desk.approve(token)
    desk.nights.not_now = ""

    # What was agreed to then is not agreed to now.
    with pytest.raises(ConflictError, match="out of date"):
        desk.approve(token)
    assert [] == desk.nights.done


def test_there_is_no_such_proposal() -> None:
    """Names that nobody gave are not found."""
    desk = Desk()

    with pytest.raises(NotThereError):
        desk.consent()
    with pytest.raises(NotThereError):
        desk.approve("t")
