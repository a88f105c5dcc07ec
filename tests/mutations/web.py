"""Bugs in who may ask the dashboard, what it tells, and what it may do."""

from __future__ import annotations

from typing import Final

from tests.mutations import Mutation

_GUARDS: Final = "src/market_bot/adapters/web/guards.py"
_SESSIONS: Final = "src/market_bot/adapters/web/sessions.py"
_PASSWORDS: Final = "src/market_bot/adapters/web/passwords.py"
_LOGINS: Final = "src/market_bot/adapters/web/logins.py"
_LIVE: Final = "src/market_bot/adapters/web/live.py"
_SERVER: Final = "src/market_bot/adapters/web/server.py"
_COMMANDS: Final = "src/market_bot/adapters/web/commands.py"
_DECISIONS: Final = "src/market_bot/bootstrap/shown_decisions.py"
_TRADER: Final = "src/market_bot/core/usecases/trade_lane.py"
_SEARCH: Final = "src/market_bot/adapters/storage/journal_search_child.py"

_APP: Final = ("tests/integration/test_web_app.py",)
_HELD: Final = ("tests/unit/test_web_sessions.py",)
_HEARD: Final = ("tests/integration/test_web_live.py",)
_DECIDED: Final = ("tests/unit/test_shown_decisions.py",)
_ASKED: Final = ("tests/unit/test_asked_of_a_lane.py",)

MUTATIONS: Final = (
    Mutation(
        name="what is not named public is",
        file=_GUARDS,
        old="        public = path in _PUBLIC or path.startswith(STATIC)\n",
        new='        public = not path.startswith("/api/session") or path in _PUBLIC\n',
        tests=_APP,
    ),
    Mutation(
        name="a change needs no token",
        file=_GUARDS,
        old="        if session is None or not _has_token(headers, session):\n",
        new="        if session is None:\n",
        tests=_APP,
    ),
    Mutation(
        name="a form may change something",
        file=_GUARDS,
        old="        if method in _WITH_BODY and not _is_json(headers):\n",
        new="        if False:\n",
        tests=_APP,
    ),
    Mutation(
        name="reading only takes commands",
        file=_GUARDS,
        old="        if self._access.read_only and not path.startswith(SESSION):\n",
        new="        if False:\n",
        tests=_APP,
    ),
    Mutation(
        name="a foreign page may listen",
        file=_GUARDS,
        old='    if len(_all(headers, b"origin")) != 1:\n',
        new="    if False:\n",
        tests=_APP,
    ),
    Mutation(
        name="the first of two cookies counts",
        file=_GUARDS,
        old="        if len(found) != 1:\n",
        new="        if not found:\n",
        tests=_APP,
    ),
    Mutation(
        name="a link logs in twice",
        file=_SESSIONS,
        old="            until = self._codes.pop(_digest(code), None)\n",
        new="            until = self._codes.get(_digest(code))\n",
        tests=_HELD,
    ),
    Mutation(
        name="an idle session goes on",
        file=_SESSIONS,
        old="and now - self.seen < IDLE)",
        new="and now - self.seen < ABSOLUTE)",
        tests=_HELD,
    ),
    Mutation(
        name="listening keeps a session alive",
        file=_GUARDS,
        old='touch=scope["type"] != ScopeType.WEBSOCKET',
        new="touch=True",
        tests=_APP,
    ),
    Mutation(
        name="wrong passwords cost nothing",
        file=_SESSIONS,
        old="        if beyond >= 0:\n",
        new="        if beyond >= 1_000:\n",
        tests=_HELD,
    ),
    Mutation(
        name="a password is right where there is none",
        file=_PASSWORDS,
        old="        return same and kept is not None\n",
        new="        return same or kept is None\n",
        tests=_HELD,
    ),
    Mutation(
        name="a script may read the cookie",
        file=_LOGINS,
        old="        httponly=True,\n",
        new="        httponly=False,\n",
        tests=_APP,
    ),
    Mutation(
        name="who is logged out goes on listening",
        file=_LIVE,
        old="            if not self._sessions.holds(listener.session):\n",
        new="            if False:\n",
        tests=_HEARD,
    ),
    Mutation(
        name="a full queue drops the newest silently",
        file=_LIVE,
        old="                waiting.get_nowait()\n                self.dropped += 1\n",
        new="                continue\n",
        tests=_HEARD,
    ),
    Mutation(
        name="a listener has to ask something within ten seconds",
        file="src/market_bot/adapters/web/connections.py",
        old="        if self._upgraded:\n            return\n",
        new="",
        tests=_HEARD,
    ),
    Mutation(
        name="a listener may speak",
        file=_LIVE,
        old='    return 0 if message["type"] == "websocket.disconnect" else _NOT_ALLOWED\n',
        new="    return 0\n",
        tests=_HEARD,
    ),
    Mutation(
        name="others are served without a password",
        file=_SERVER,
        old="guarded=tls is not None and password_set",
        new="guarded=tls is not None",
        tests=("tests/integration/test_web_server.py",),
    ),
    Mutation(
        name="every command is taken for sure",
        file=_COMMANDS,
        old="    return session is not None and sessions.stepped_up(session)\n",
        new="    return session is not None\n",
        tests=_APP,
    ),
    Mutation(
        name="a token decides twice",
        file=_DECISIONS,
        old="        self._tokens[lane.chain] = left\n",
        new="",
        tests=_DECIDED,
    ),
    Mutation(
        name="consent is given to whatever there is",
        file=_DECISIONS,
        old="if told != (item.file, item.path, item.before, item.after, item.config):",
        new="if told[0] != item.file:",
        tests=_DECIDED,
    ),
    Mutation(
        name="more at stake needs no second proof",
        file=_DECISIONS,
        old="            if raises_exposure(item.path, item.before, item.after) and not sure:\n",
        new="            if False:\n",
        tests=_DECIDED,
    ),
    Mutation(
        name="an old wish sells what is bought later",
        file=_TRADER,
        old="            del self._closing[key]\n",
        new="            pass\n",
        tests=_ASKED,
    ),
    Mutation(
        name="a type in the data counts as the line's own",
        file=_SEARCH,
        old="        if self._types and _kind(line) not in self._types:\n",
        new="        if False:\n",
        tests=("tests/unit/test_journal_search.py",),
    ),
)
