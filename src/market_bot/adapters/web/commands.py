"""Everything that can be told: each command goes to the bot's own queues and is written down there.

The gate has seen to it that somebody is logged in and that the request comes from our own page.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from litestar import Request, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from market_bot.core.ports.dashboard import Consent, Operator, Shown

from .guards import session_of
from .sessions import Sessions

_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
_Lane = Annotated[str, msgspec.Meta(max_length=300)]
_Reason = Annotated[str, msgspec.Meta(max_length=200)]
_Value = Annotated[str, msgspec.Meta(max_length=100)]
_Request = Request[Any, Any, Any]

_WHO: Final = "dashboard"
_OK: Final = {"ok": True}


class _Exact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a page sends; other keys are refused."""


class Nothing(_Exact, frozen=True):
    """A command that says it all by its name."""


class Reason(_Exact, frozen=True):
    """Why."""

    reason: _Reason = "dashboard"


class OfLane(_Exact, frozen=True):
    """Which lane; "" is the first one where that makes sense."""

    lane: _Lane = ""


class Pause(_Exact, frozen=True):
    """Which lane opens nothing, and why."""

    lane: _Name
    reason: _Reason = "paused"


class OneOrder(_Exact, frozen=True):
    """Which order."""

    lane: _Name
    intent: _Name


class OnePosition(_Exact, frozen=True):
    """Which leg of which market."""

    lane: _Name
    market: _Name
    leg: Annotated[str, msgspec.Meta(pattern="^(yes|no)$")]


class ShownDiff(_Exact, frozen=True):
    """The change as the page shows it."""

    lane: _Name
    file: _Name
    path: _Name
    before: _Value
    after: _Value
    config: _Value


class Approval(_Exact, frozen=True):
    """Consent to exactly what the token was given for."""

    lane: _Name
    token: _Name


class Refused(_Exact, frozen=True):
    """No to exactly what the token was given for."""

    lane: _Name
    token: _Name
    reason: _Name
    note: _Reason = ""


class Lesson(_Exact, frozen=True):
    """Which lesson is to be forgotten."""

    lane: _Name
    path: _Name
    direction: Annotated[int, msgspec.Meta(ge=-1, le=1)]
    rule: _Name
    note: _Reason = ""


def command_routes(bot: Operator, sessions: Sessions) -> list[HTTPRouteHandler]:
    """Return the routes that tell the bot something."""
    return [
        *_switches(bot, sessions),
        *_trades(bot),
        *_nights(bot),
        *_decisions(bot, sessions),
    ]


def _switches(bot: Operator, sessions: Sessions) -> list[HTTPRouteHandler]:
    @post("/api/halt", sync_to_thread=True, status_code=202)
    def halt(request: _Request, data: JSONBody[Reason]) -> dict[str, Any]:
        """Open nothing from now on, in any lane, also after a restart."""
        bot.halt(_who(request), data.reason or _WHO)
        return _OK

    @post("/api/resume", sync_to_thread=True, status_code=202)
    def resume(request: _Request, data: JSONBody[Nothing]) -> dict[str, Any]:  # noqa: ARG001 - an empty object
        """Lift a halt."""
        bot.lift_halt(_who(request), sure=_sure(request, sessions))
        return _OK

    @post("/api/flatten", sync_to_thread=True, status_code=202)
    def flatten(request: _Request, data: JSONBody[Nothing]) -> dict[str, Any]:  # noqa: ARG001 - as above
        """Halt, and sell everything held at what is bid for it."""
        bot.flatten(_who(request))
        return _OK

    @post("/api/pause", sync_to_thread=True, status_code=202)
    def pause(request: _Request, data: JSONBody[Pause]) -> dict[str, Any]:
        """Open nothing in one lane."""
        bot.pause(data.lane, _who(request), data.reason or "paused")
        return _OK

    @post("/api/unpause", sync_to_thread=True, status_code=202)
    def unpause(request: _Request, data: JSONBody[OfLane]) -> dict[str, Any]:
        """Let a lane open positions again."""
        bot.unpause(data.lane, _who(request), sure=_sure(request, sessions))
        return _OK

    return [halt, resume, flatten, pause, unpause]


def _trades(bot: Operator) -> list[HTTPRouteHandler]:
    @post("/api/orders/cancel", sync_to_thread=True, status_code=202)
    def cancel(request: _Request, data: JSONBody[OneOrder]) -> dict[str, Any]:
        """Cancel one order."""
        bot.cancel_order(data.lane, data.intent, _who(request))
        return _OK

    @post("/api/positions/close", sync_to_thread=True, status_code=202)
    def close(request: _Request, data: JSONBody[OnePosition]) -> dict[str, Any]:
        """Sell what is held of a leg."""
        bot.close_position(data.lane, data.market, data.leg, _who(request))
        return _OK

    return [cancel, close]


def _nights(bot: Operator) -> list[HTTPRouteHandler]:
    @post("/api/evaluation", sync_to_thread=True, status_code=202)
    def evaluation(request: _Request, data: JSONBody[OfLane]) -> dict[str, str]:
        """Begin an evaluation now."""
        return {"job": bot.run_evaluation(data.lane, _who(request))}

    @post("/api/advisor/ask", sync_to_thread=True, status_code=202)
    def ask(request: _Request, data: JSONBody[OfLane]) -> dict[str, str]:
        """Ask the advisor what it would change."""
        return {"job": bot.ask_advisor(data.lane, _who(request))}

    @post("/api/learned/undo", sync_to_thread=True, status_code=202)
    def undo(request: _Request, data: JSONBody[Lesson]) -> dict[str, Any]:
        """Forget what was learnt about one way to turn a knob."""
        who = _who(request)
        bot.undo_learning(data.lane, data.path, data.direction, data.rule, who, data.note)
        return _OK

    return [evaluation, ask, undo]


def _decisions(bot: Operator, sessions: Sessions) -> list[HTTPRouteHandler]:
    @post("/api/proposals/{proposal:str}/token", sync_to_thread=True, status_code=200)
    def token(proposal: FromPath[str], data: JSONBody[ShownDiff]) -> Consent:
        """Give a token for one decision about the change that the page shows."""
        return bot.consent(
            Shown(
                lane=data.lane,
                proposal=proposal,
                file=data.file,
                path=data.path,
                before=data.before,
                after=data.after,
                config=data.config,
            )
        )

    @post("/api/proposals/{proposal:str}/approve", sync_to_thread=True, status_code=200)
    def approve(
        request: _Request, proposal: FromPath[str], data: JSONBody[Approval]
    ) -> dict[str, Any]:
        """Make the change that the token was given for."""
        sure = _sure(request, sessions)
        told = bot.approve(data.lane, proposal, data.token, _who(request), sure=sure)
        return {"ok": True, "detail": told}

    @post("/api/proposals/{proposal:str}/reject", sync_to_thread=True, status_code=200)
    def reject(
        request: _Request, proposal: FromPath[str], data: JSONBody[Refused]
    ) -> dict[str, Any]:
        """Refuse the change that the token was given for."""
        told = bot.reject(
            data.lane, proposal, data.token, _who(request), reason=data.reason, note=data.note
        )
        return {"ok": True, "detail": told}

    return [token, approve, reject]


def _who(request: _Request) -> str:
    """Return who this is for the journal: the dashboard, and which login of it."""
    session = session_of(request.scope)
    return _WHO if session is None else f"{_WHO}:{session.digest[:6]}"


def _sure(request: _Request, sessions: Sessions) -> bool:
    session = session_of(request.scope)
    return session is not None and sessions.stepped_up(session)
