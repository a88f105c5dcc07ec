"""The advisor that asks Claude: one question with a schema for the answer, no tools, no dialogue.

Whatever happens there is an advice: a refusal, an answer that was cut off or makes no sense, a
provider that is slow, busy or not to be reached, an empty purse. None of these has drafts. Texts of
errors are not kept, as they may hold what was sent.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, cast

import attrs

from market_bot.core.domain.numbers import SECOND, Duration, Money
from market_bot.core.domain.tuning.brief import Brief
from market_bot.core.ports.advisor import REASON_MAX, Advice, Advisor, Silence

from .prompt import Prompt
from .terms import ATTEMPTS, Terms

if TYPE_CHECKING:
    from anthropic import Anthropic
    from anthropic.types import Message, OutputConfigParam

CLAUDE: Final = "claude"

_ANSWER_MAX: Final = 64 * 1024
_WAIT_MAX: Final = 30.0
_LEAST_TOKENS: Final = 1_000
_TOKENS_MAX: Final = 100_000_000
_MUST_BE: Final = ("input_tokens", "output_tokens")
_MAY_BE: Final = ("cache_creation_input_tokens", "cache_read_input_tokens")
_SHORTEST_KEY: Final = 8
_BUSY: Final = (429, 529)
_SERVER: Final = 500
_CONFLICTS: Final = (408, 409)
_STOPPED: Final = {
    "refusal": Silence.REFUSED,
    "max_tokens": Silence.TRUNCATED,
    "model_context_window_exceeded": Silence.TRUNCATED,
}
# Another attempt may end otherwise; after all others it would be paid for nothing.
_AGAIN: Final = frozenset({Silence.BUSY, Silence.UNREACHABLE, Silence.TIMED_OUT, Silence.MALFORMED})


@attrs.frozen(kw_only=True)
class _Reply:
    """What one attempt came to; ``wait`` is how many seconds to leave before another."""

    silence: Silence | None = None
    answer: Any = None
    tokens_in: int = 0
    tokens_out: int = 0
    wait: float = 1.0


class ClaudeAdvisor(Advisor):
    """Asks Claude; keeps to its terms.

    Args:
        terms: money, tokens, time and the model.
        key: the API key; it is sent to the provider and shows up nowhere else.
        now: seconds of a clock that never goes back.
        wait: lets seconds pass.

    """

    def __init__(
        self,
        terms: Terms,
        key: str,
        *,
        now: Callable[[], float] = time.monotonic,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._terms, self._key = terms, key
        self._now, self._wait = now, wait

    @property
    def name(self) -> str:
        return CLAUDE

    def advise(self, brief: Brief) -> Advice:
        """Return what Claude proposes; see `Advisor`."""
        terms = self._terms
        plain = Advice(advisor=CLAUDE, model=terms.model)
        if not brief.turns:
            return attrs.evolve(plain, silence=Silence.NOTHING_TO_TURN)
        if not self._key:
            return attrs.evolve(plain, silence=Silence.NO_KEY)
        prompt = Prompt.of(brief)
        begun = self._now()
        advice = self._asked(prompt, brief, begun, plain)
        return attrs.evolve(
            advice,
            prompt=prompt.name(terms.model, terms.effort),
            took=Duration(round((self._now() - begun) * SECOND)),
        )

    def _asked(self, prompt: Prompt, brief: Brief, begun: float, advice: Advice) -> Advice:
        terms = self._terms
        for attempt in range(1, ATTEMPTS + 1):
            left = Money(terms.max_cost - advice.cost)
            tokens = terms.affordable(left, prompt.most_tokens)
            if tokens < min(_LEAST_TOKENS, terms.max_tokens):
                return attrs.evolve(advice, silence=advice.silence or Silence.OVER_BUDGET)
            seconds = terms.seconds - (self._now() - begun)
            if seconds <= 0:
                return attrs.evolve(advice, silence=Silence.TIMED_OUT)
            reply = self._once(prompt, tokens, seconds)
            advice = self._counted(advice, reply)
            if advice.cost > terms.max_cost:
                return attrs.evolve(advice, silence=Silence.OVER_BUDGET)
            if reply.silence is None:
                advice = _understood(advice, brief, reply.answer)
            if advice.silence not in _AGAIN:
                return advice
            if attempt < ATTEMPTS:
                self._wait(max(0.0, min(reply.wait, terms.seconds - (self._now() - begun))))
        return advice

    def _counted(self, advice: Advice, reply: _Reply) -> Advice:
        return attrs.evolve(
            advice,
            silence=reply.silence,
            attempts=advice.attempts + 1,
            tokens_in=advice.tokens_in + reply.tokens_in,
            tokens_out=advice.tokens_out + reply.tokens_out,
            cost=Money(advice.cost + self._terms.cost(reply.tokens_in, reply.tokens_out)),
        )

    def _once(self, prompt: Prompt, tokens: int, seconds: float) -> _Reply:
        import anthropic  # noqa: PLC0415 - nearly a second, and only for this

        # Nobody knows whether an answer that did not arrive is paid for: counted as if it were.
        lost = _Reply(tokens_in=prompt.most_tokens, tokens_out=tokens)
        try:
            message = self._sent(prompt, tokens, seconds)
        except anthropic.APITimeoutError:
            return attrs.evolve(lost, silence=Silence.TIMED_OUT)
        except anthropic.APIConnectionError:
            return attrs.evolve(lost, silence=Silence.UNREACHABLE)
        except anthropic.APIStatusError as e:
            return _turned_away(e.status_code, e.response.headers.get("retry-after", ""))
        except Exception:  # noqa: BLE001 - whatever a library makes of a strange answer
            return attrs.evolve(lost, silence=Silence.MALFORMED)
        return _read(message, lost, self._key)

    def _sent(self, prompt: Prompt, tokens: int, seconds: float) -> Message:
        client = self._client(seconds)
        # The words for the effort are checked where they are set.
        config = cast(
            "OutputConfigParam",
            {
                "format": {"type": "json_schema", "schema": prompt.schema},
                "effort": self._terms.effort,
            },
        )
        try:
            return client.messages.create(
                model=self._terms.model,
                max_tokens=tokens,
                system=prompt.system,
                messages=[{"role": "user", "content": prompt.user}],
                output_config=config,
            )
        finally:
            client.close()

    def _client(self, seconds: float) -> Anthropic:
        import anthropic  # noqa: PLC0415 - as above

        return anthropic.Anthropic(
            api_key=self._key,
            base_url=self._terms.base_url,
            timeout=seconds,
            # Attempts are counted here, with their cost.
            max_retries=0,
            # One machine and no other: no redirects, no proxies out of the environment.
            http_client=anthropic.DefaultHttpxClient(
                follow_redirects=False, trust_env=False, timeout=seconds
            ),
        )


def _turned_away(status: int, retry_after: str) -> _Reply:
    """Return what an answer that is no answer means; the provider charges nothing for these."""
    if status in _BUSY:
        return _Reply(silence=Silence.BUSY, wait=_seconds(retry_after))
    if status >= _SERVER or status in _CONFLICTS:
        return _Reply(silence=Silence.UNREACHABLE, wait=_seconds(retry_after))
    return _Reply(silence=Silence.REJECTED)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        return 1.0
    return min(_WAIT_MAX, max(0.0, seconds)) if seconds == seconds else 1.0  # noqa: PLR0124 - NaN is not itself


def _read(message: Message, lost: _Reply, key: str) -> _Reply:
    """Return what a message says; every field of it may be something else than it should."""
    tokens = _tokens(message)
    if tokens is None:
        return attrs.evolve(lost, silence=Silence.MALFORMED)
    counted = _Reply(tokens_in=tokens[0], tokens_out=tokens[1])
    stop = getattr(message, "stop_reason", None)
    if stop != "end_turn":
        silence = _STOPPED.get(str(stop), Silence.MALFORMED)
        return attrs.evolve(counted, silence=silence)
    text = _text(message)
    # A key that comes back is not written down, wherever it stands.
    if text is None or len(text) > _ANSWER_MAX or (len(key) >= _SHORTEST_KEY and key in text):
        return attrs.evolve(counted, silence=Silence.MALFORMED)
    try:
        answer = json.loads(text, object_pairs_hook=_once_each)
    except (ValueError, RecursionError):
        return attrs.evolve(counted, silence=Silence.MALFORMED)
    return attrs.evolve(counted, answer=answer)


def _tokens(message: Message) -> tuple[int, int] | None:
    usage = getattr(message, "usage", None)
    told = {name: getattr(usage, name, None) for name in (*_MUST_BE, *_MAY_BE)}
    counts = {name: 0 if one is None and name in _MAY_BE else one for name, one in told.items()}
    if not all(type(one) is int and 0 <= one <= _TOKENS_MAX for one in counts.values()):
        return None
    read, written, made, reread = (int(one or 0) for one in counts.values())
    # What is kept for later costs a quarter more; nothing is, but the provider decides.
    return read + -(-made * 5 // 4) + reread, written


def _text(message: Message) -> str | None:
    """Return the first text of a message: before it stand thoughts."""
    content = getattr(message, "content", None)
    for block in content if isinstance(content, list) else ():
        if getattr(block, "type", None) == "text":
            text = getattr(block, "text", None)
            return text if isinstance(text, str) else None
    return None


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        msg = "a key stands twice in an object"
        raise ValueError(msg)
    return made


def _understood(advice: Advice, brief: Brief, answer: object) -> Advice:
    drafts, unfit = brief.drafts(answer)
    if drafts:
        return attrs.evolve(advice, silence=None, drafts=drafts, unfit=unfit)
    if unfit:
        return attrs.evolve(advice, silence=Silence.MALFORMED, unfit=unfit)
    return attrs.evolve(advice, silence=Silence.ABSTAINED, reason=_reason(answer))


def _reason(answer: object) -> str:
    said = answer.get("abstain_reason") if isinstance(answer, dict) else None
    fits = isinstance(said, str) and len(said) <= REASON_MAX and said.isprintable()
    return said if fits and isinstance(said, str) else ""
