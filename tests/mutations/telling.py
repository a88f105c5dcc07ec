"""Bugs in messages, redaction, the log and the numbers, for their tests to find."""

from __future__ import annotations

from typing import Final

from tests.mutations import Mutation

_NOTIFY: Final = "src/market_bot/core/usecases/notify.py"
_NOTICES: Final = "src/market_bot/core/domain/notices.py"
_REDACTION: Final = "src/market_bot/adapters/system/redaction.py"
_APPRISE: Final = "src/market_bot/adapters/notify/apprise_notifier.py"
_LOGS: Final = "src/market_bot/bootstrap/logs.py"
_BEARERS: Final = "src/market_bot/adapters/web/bearers.py"
_GUARDS: Final = "src/market_bot/adapters/web/guards.py"

_HEARD: Final = ("tests/unit/test_notify.py",)
_WORDS: Final = ("tests/unit/test_notices.py",)
_HIDDEN: Final = ("tests/unit/test_redaction.py",)
_SENT: Final = ("tests/integration/test_notifications.py::test_a_way_out_by_itself",)
_LOGGED: Final = ("tests/unit/test_logs.py",)
_NUMBERS: Final = ("tests/unit/test_metrics.py",)

MUTATIONS: Final = (
    Mutation(
        name="a service that hangs fills the memory",
        file=_NOTIFY,
        old="            if len(self._heard) >= HEARD_MAX:",
        new="            if False:",
        tests=_HEARD,
    ),
    Mutation(
        name="a message that fails is forgotten",
        file=_NOTIFY,
        old="if found.delivered or self._attempts >= ATTEMPTS_MAX:",
        new="if True:",
        tests=_HEARD,
    ),
    Mutation(
        name="there is no limit of messages",
        file=_NOTIFY,
        old="return len(self._begun) < self.most + more",
        new="return True",
        tests=_HEARD,
    ),
    Mutation(
        name="alarms are held back with the rest",
        file=_NOTIFY,
        old="ALARMS_BEYOND if level is Level.ALARM else 0",
        new="0",
        tests=_HEARD,
    ),
    Mutation(
        name="secrets go out in messages",
        file=_NOTIFY,
        old="subject=self.hide(found.subject), body=self.hide(found.body)",
        new="subject=found.subject, body=found.body",
        tests=_HEARD,
    ),
    Mutation(
        name="secrets of a service's answer stand in the journal",
        file=_NOTIFY,
        old="reason=self.hide(outcome.reason),",
        new="reason=outcome.reason,",
        tests=_HEARD,
    ),
    Mutation(
        name="a venue's text may break a line",
        file=_NOTICES,
        old='char if char.isprintable() else " "',
        new="char",
        tests=_WORDS,
    ),
    Mutation(
        name="a part of a secret is shown",
        file=_REDACTION,
        old="range(len(form) - _RUN + 1))",
        new="range(0, len(form) - _RUN + 1, _RUN))",
        tests=_HIDDEN,
    ),
    Mutation(
        name="base64 at other offsets is shown",
        file=_REDACTION,
        old="for ahead in range(3):",
        new="for ahead in range(1):",
        tests=_HIDDEN,
    ),
    Mutation(
        name="a secret goes into other processes",
        file=_REDACTION,
        old='        msg = "secrets are not copied to other processes or files"\n'
        "        raise TypeError(msg)",
        new='        return "Redaction"',
        tests=_HIDDEN,
    ),
    Mutation(
        name="whoever answers decides where a token goes",
        file=_APPRISE,
        old="http_redirects=False",
        new="http_redirects=True",
        tests=_SENT,
    ),
    Mutation(
        name="an exception in the log shows secrets",
        file=_LOGS,
        old="                structlog.processors.format_exc_info,\n"
        "                _Cleaned(redaction),",
        new="                _Cleaned(redaction),\n"
        "                structlog.processors.format_exc_info,",
        tests=_LOGGED,
    ),
    Mutation(
        name="no token opens the numbers",
        file=_BEARERS,
        old="if len(token) < TOKEN_CHARS_MIN or len(authorization) != 1:",
        new="if len(authorization) != 1:",
        tests=_NUMBERS,
    ),
    Mutation(
        name="the token of the numbers opens everything",
        file=_GUARDS,
        old='(method, path) == ("GET", METRICS):',
        new='method == "GET":',
        tests=_NUMBERS,
    ),
)
