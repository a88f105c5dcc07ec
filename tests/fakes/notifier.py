"""A way to a person that keeps what it was given, answers when it is told to, or never."""

from __future__ import annotations

from market_bot.core.ports.notifier import Message, Notifier, Outcome


class FakeNotifier(Notifier):
    """Keeps messages in ``sent``; ``answers`` are the outcomes, the last one over and over.

    With ``hangs`` nothing comes to an end.
    """

    def __init__(self, *answers: Outcome, hangs: bool = False) -> None:
        self.sent: list[Message] = []
        self.answers = list(answers) or [Outcome(delivered=True)]
        self.hangs = hangs
        self.waited_s: list[float] = []
        self._open = False

    @property
    def name(self) -> str:
        return "phone"

    @property
    def bodies(self) -> str:
        """Everything that was sent, as one text."""
        return "\n".join(f"{one.subject}\n{one.body}" for one in self.sent)

    def begin(self, message: Message) -> bool:
        if self._open and self.hangs:
            return False
        self.sent.append(message)
        self._open = True
        return True

    def outcome(self) -> Outcome | None:
        if self.hangs or not self._open:
            return None
        self._open = False
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def close(self, timeout_s: float) -> None:
        self.waited_s.append(timeout_s)
