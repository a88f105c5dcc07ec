"""Everything that can be looked at."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final

import attrs
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from market_bot.core.ports.dashboard import (
    AdvisorNow,
    Band,
    ChainRow,
    Computed,
    ConfigChangeRow,
    ConfigFile,
    EquityCurve,
    Job,
    JournalPage,
    JournalQuery,
    KnobRow,
    LessonRow,
    Line,
    LineInContext,
    MarketDetail,
    MarketsPage,
    NightReview,
    Operator,
    Proposals,
    SystemNow,
    Trials,
    VenueNow,
    Why,
)
from market_bot.core.usecases.snapshot_json import snapshot_json

from .guards import session_of
from .lines import shown_line
from .live import Live

LINES_MAX: Final = 200
_TEXT_MAX: Final = 300

_Text = Annotated[str, QueryParameter(max_length=_TEXT_MAX)]
_Lane = Annotated[str, QueryParameter(max_length=_TEXT_MAX)]
_Seq = Annotated[int | None, QueryParameter(ge=1, le=10**15)]
_Number = Annotated[int, QueryParameter(ge=1, le=10**15)]
_Limit = Annotated[int, QueryParameter(ge=1, le=LINES_MAX)]
_Rows = Annotated[int, QueryParameter(ge=1, le=1_000)]
_Offset = Annotated[int, QueryParameter(ge=0, le=1_000_000)]
_Hours = Annotated[int, QueryParameter(ge=1, le=720)]
_Points = Annotated[int, QueryParameter(ge=2, le=500)]
_Days = Annotated[int, QueryParameter(ge=1, le=90)]
_Nights = Annotated[int, QueryParameter(ge=1, le=60)]
_Request = Request[Any, Any, Any]


def reading_routes(bot: Operator, live: Live) -> list[HTTPRouteHandler]:
    """Return the routes that show something and change nothing."""
    return [
        *_present(bot, live),
        *_markets(bot),
        *_journals(bot),
        *_results(bot),
        *_tuning(bot),
        *_program(bot, live),
    ]


def _present(bot: Operator, live: Live) -> list[HTTPRouteHandler]:
    @get("/api/state")
    async def state() -> dict[str, Any]:
        """Return the picture that the WebSocket begins with, and its number."""
        return await live.state()

    @get("/api/venues", sync_to_thread=True)
    def venues() -> dict[str, list[VenueNow]]:
        """Return how every lane's venue stands."""
        return {"venues": list(bot.venues())}

    @get("/api/positions", sync_to_thread=False)
    def positions(lane: _Lane = "") -> dict[str, list[dict[str, Any]]]:
        """Return everything held, or what one lane holds."""
        return {"positions": _of_lanes(bot, lane, "positions")}

    @get("/api/orders", sync_to_thread=False)
    def orders(lane: _Lane = "") -> dict[str, list[dict[str, Any]]]:
        """Return every live order, or those of one lane."""
        return {"orders": _of_lanes(bot, lane, "orders")}

    return [state, venues, positions, orders]


def _markets(bot: Operator) -> list[HTTPRouteHandler]:
    @get("/api/markets", sync_to_thread=True)
    def markets(
        lane: _Lane,
        text: _Text = "",
        only: Annotated[str, QueryParameter(pattern="^(all|held|ordered|open)$")] = "all",
        limit: _Rows = 200,
        offset: _Offset = 0,
    ) -> MarketsPage:
        """Return markets of a lane as last consumed."""
        return bot.markets(lane, text, only, limit, offset)

    @get("/api/markets/detail", sync_to_thread=True)
    def detail(lane: _Lane, market: _Text) -> MarketDetail:
        """Return one market: its book, our part in it, and what is wanted of it."""
        found = bot.market(lane, market)
        return attrs.evolve(found, fills=tuple(map(shown_line, found.fills)))

    @get("/api/markets/why", sync_to_thread=True)
    def why(lane: _Lane, market: _Text) -> Why:
        """Return why a market was or was not traded, fact by fact."""
        return bot.why(lane, market)

    return [markets, detail, why]


def _journals(bot: Operator) -> list[HTTPRouteHandler]:
    @get("/api/chains", sync_to_thread=True)
    def chains() -> dict[str, list[ChainRow]]:
        """Return every journal of the home."""
        return {"chains": list(bot.chains())}

    @get("/api/journal", sync_to_thread=True)
    def journal(
        chain: _Lane = "",
        types: _Text = "",
        market: _Text = "",
        strategy: _Text = "",
        text: _Text = "",
        since: _Text = "",
        until: _Text = "",
        before: _Seq = None,
        limit: _Limit = 50,
    ) -> JournalPage:
        """Search a journal, the newest line first; the page after begins before ``next``."""
        query = JournalQuery(
            chain=chain,
            types=tuple(filter(None, types.split(","))),
            market=market,
            strategy=strategy,
            text=text,
            since=since,
            until=until,
            before=before,
            limit=limit,
        )
        return _shown(bot.journal(query))

    @get("/api/journal/event", sync_to_thread=True)
    def event(seq: _Number, chain: _Lane = "") -> LineInContext:
        """Return one line, what led to it and what came of it."""
        found = bot.line(chain, seq)
        return attrs.evolve(
            found,
            line=shown_line(found.line),
            causes=tuple(map(shown_line, found.causes)),
            consequences=tuple(map(shown_line, found.consequences)),
        )

    @get("/api/fills", sync_to_thread=True)
    def fills(lane: _Lane = "", before: _Seq = None, limit: _Limit = 100) -> JournalPage:
        """Return our trades, the newest first."""
        types = ("fill", "fill_settled", "fill_reversed")
        return _shown(
            bot.journal(JournalQuery(chain=lane, types=types, before=before, limit=limit))
        )

    return [chains, journal, event, fills]


def _results(bot: Operator) -> list[HTTPRouteHandler]:
    @get("/api/equity", sync_to_thread=True)
    def equity(lane: _Lane = "", hours: _Hours = 24, points: _Points = 500) -> EquityCurve:
        """Return a lane's equity over the last hours, thinned out, and what changed."""
        return bot.equity(lane, hours, points)

    @get("/api/band", sync_to_thread=True)
    def band(lane: _Lane = "") -> dict[str, Band | None]:
        """Return between which ends the day's result lies."""
        return {"band": bot.band(lane)}

    @get("/api/analytics", sync_to_thread=True)
    def analytics(lane: _Lane = "", days: _Days = 28) -> Response[dict[str, Any]]:
        """Return the numbers of the last days; 202 while they are being computed."""
        found: Computed = bot.analytics(lane, days)
        body: dict[str, Any] = {"state": found.state, "at": found.at}
        if found.state == "ready":
            body["analytics"] = found.value
        if found.detail is not None:
            body["detail"] = found.detail
        busy = found.state == "computing"
        return Response(body, status_code=HTTPStatus.ACCEPTED if busy else HTTPStatus.OK)

    return [equity, band, analytics]


def _tuning(bot: Operator) -> list[HTTPRouteHandler]:
    @get("/api/leaks", sync_to_thread=True)
    def leaks(lane: _Lane = "", nights: _Nights = 14) -> dict[str, list[NightReview]]:
        """Return what the last nights found, the newest first."""
        return {"reviews": list(bot.leaks(lane, nights))}

    @get("/api/proposals", sync_to_thread=True)
    def proposals(lane: _Lane = "") -> Proposals:
        """Return what is proposed, and what was."""
        return bot.proposals(lane)

    @get("/api/trials", sync_to_thread=True)
    def trials(lane: _Lane = "") -> Trials:
        """Return the trial under way, and those that ended."""
        return bot.trials(lane)

    @get("/api/learned", sync_to_thread=True)
    def learned(lane: _Lane = "") -> dict[str, list[LessonRow]]:
        """Return what decisions and results taught."""
        return {"lessons": list(bot.learned(lane))}

    @get("/api/advisor", sync_to_thread=True)
    def advisor() -> AdvisorNow:
        """Return who advises, and what that may cost."""
        return bot.advisor()

    @get("/api/jobs/{job:str}", sync_to_thread=True)
    def job(job: FromPath[str]) -> Job:
        """Return how something that was started stands."""
        return bot.job(job)

    return [leaks, proposals, trials, learned, advisor, job]


def _program(bot: Operator, live: Live) -> list[HTTPRouteHandler]:
    @get("/api/config", sync_to_thread=True)
    def config() -> dict[str, list[ConfigFile]]:
        """Return the settings files as they stand."""
        return {"files": list(bot.configuration())}

    @get("/api/config/history", sync_to_thread=True)
    def history(lane: _Lane = "") -> dict[str, list[ConfigChangeRow]]:
        """Return what was changed in the settings, the newest first."""
        return {"changes": list(bot.config_history(lane))}

    @get("/api/knobs", sync_to_thread=True)
    def knobs(venue: _Text) -> dict[str, list[KnobRow]]:
        """Return what may be turned, and what it may become next."""
        return {"knobs": list(bot.knobs(venue))}

    @get("/api/system", sync_to_thread=True)
    def system() -> SystemNow:
        """Return how the program itself is."""
        return attrs.evolve(bot.system(), clients=live.listeners, dropped=live.dropped)

    @get("/api/health", sync_to_thread=False)
    def health(request: _Request) -> Response[dict[str, Any]]:
        """Answer 200 when every worker comes back in time and no lane failed, else 503."""
        stalled = list(bot.stalled())
        failed = [f"{s.venue}/{s.lane}" for s in bot.lanes() if s.phase == "failed"]
        healthy = not stalled and not failed
        body: dict[str, Any] = {"healthy": healthy}
        if session_of(request.scope) is not None:
            body |= {"stalled": stalled, "failed": failed}
        return Response(
            body, status_code=HTTPStatus.OK if healthy else HTTPStatus.SERVICE_UNAVAILABLE
        )

    return [config, history, knobs, system, health]


def _of_lanes(bot: Operator, lane: str, what: str) -> list[dict[str, Any]]:
    found = []
    for snapshot in bot.lanes():
        name = f"{snapshot.venue}/{snapshot.lane}"
        if lane in ("", name):
            rows: Any = snapshot_json(snapshot)[what]
            found += [{**row, "lane": name} for row in rows]
    return found


def _shown(page: JournalPage) -> JournalPage:
    lines: tuple[Line, ...] = tuple(map(shown_line, page.lines))
    return attrs.evolve(page, lines=lines)
