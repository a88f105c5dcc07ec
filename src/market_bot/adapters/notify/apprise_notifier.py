"""Messages through Apprise: Telegram, Discord, e-mail, ntfy and a hundred others, by an address.

The library is slow to import, so that it is imported where a message goes out at all. Its own log
names addresses, which hold tokens: it stays silent, and what it warns of while we send is taken
from it, cleaned, as the reason why nothing was delivered.
"""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from market_bot.core.ports.notifier import Message, Notifier, NotifierError, Outcome

if TYPE_CHECKING:
    import apprise

_LOGGER: Final = "apprise"
_QUIET: Final = ("requests", "urllib3", "requests_oauthlib", "oauthlib")
_REASON_MAX: Final = 200
_REASONS_MAX: Final = 20
_TYPES: Final = {"info": "info", "notice": "info", "warning": "warning", "alarm": "failure"}
CONNECT_S: Final = 5.0
READ_S: Final = 10.0


class AppriseNotifier(Notifier):
    """Sends to one address, each message in a thread of its own, never two at a time.

    Args:
        name: what the operator calls it.
        address: an Apprise address; it holds secrets and is never shown.
        hide: takes secrets out of a text.

    Raises:
        NotifierError: if the address is none that Apprise knows.

    """

    def __init__(self, name: str, address: str, hide: Callable[[str], str]) -> None:
        self._name, self._hide = name, hide
        self._service = _service(name, address)
        self._thread: threading.Thread | None = None
        self._outcome: Outcome | None = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def service(self) -> str:
        """The name of the service, for people, such as "Telegram" or "ntfy"."""
        return str(self._service.service_name)

    def begin(self, message: Message) -> bool:
        if self._thread is not None and self._thread.is_alive():
            return False
        self._outcome = None
        # A daemon: a service that never answers must not keep the program from ending.
        self._thread = threading.Thread(
            target=self._send, args=(message,), name=f"send/{self._name}", daemon=True
        )
        self._thread.start()
        return True

    def outcome(self) -> Outcome | None:
        found, self._outcome = self._outcome, None
        return found

    def close(self, timeout_s: float) -> None:
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _send(self, message: Message) -> None:
        from apprise import NotifyType  # noqa: PLC0415 - see above

        heard = _Heard(threading.get_ident())
        logger = logging.getLogger(_LOGGER)
        logger.addHandler(heard)
        try:
            delivered = bool(
                self._service.notify(
                    body=message.body,
                    title=message.subject,
                    notify_type=NotifyType(_TYPES[message.level]),
                )
            )
            why = "" if delivered else "; ".join(heard.said) or "the service took no message"
        except Exception as e:  # noqa: BLE001 - a hundred services, each with exceptions of its own
            delivered, why = False, f"{type(e).__name__}: {e}"
        finally:
            logger.removeHandler(heard)
        self._outcome = Outcome(delivered, self._line(why))

    def _line(self, text: str) -> str:
        return " ".join(self._hide(text).split())[:_REASON_MAX]


class _Heard(logging.Handler):
    """Keeps what the library warns of in one thread."""

    def __init__(self, thread: int) -> None:
        super().__init__(logging.WARNING)
        self._thread = thread
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread and len(self.said) < _REASONS_MAX:
            self.said.append(record.getMessage())


def _service(name: str, address: str) -> apprise.NotifyBase:
    import apprise  # noqa: PLC0415 - see above

    _keep_quiet()
    asset = apprise.AppriseAsset(
        app_id="market-bot",
        app_desc="market-bot",
        app_url="",
        async_mode=False,
        # Whoever answers does not decide where a token goes next.
        http_redirects=False,
        interpret_escapes=False,
        interpret_emojis=False,
        # Names come from venues and must not become anything else.
        body_format=apprise.NotifyFormat.TEXT,
        secure_logging=True,
    )
    with warnings.catch_warnings():
        # One of its hundred services reaches for a module that Python is about to drop.
        warnings.simplefilter("ignore", DeprecationWarning)
        made = apprise.Apprise.instantiate(address, asset=asset)
    if not isinstance(made, apprise.NotifyBase):
        msg = (
            f"notifications: {name}: its address is none that can be used: compare it with "
            "docs/how-to/get-notified.md"
        )
        raise NotifierError(msg)
    made.socket_connect_timeout, made.socket_read_timeout = CONNECT_S, READ_S
    return made


def _keep_quiet() -> None:
    logger = logging.getLogger(_LOGGER)
    logger.propagate = False
    logger.setLevel(logging.WARNING)
    if not any(isinstance(one, logging.NullHandler) for one in logger.handlers):
        logger.addHandler(logging.NullHandler())
    for other in _QUIET:
        logging.getLogger(other).setLevel(logging.WARNING)
