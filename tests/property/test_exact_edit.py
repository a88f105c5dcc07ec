"""Whatever the layout of a file: a number is replaced exactly, or the edit is refused."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from market_bot.config.errors import ConfigError
from market_bot.config.exact_edit import StaleValueError, edit_exactly

WORDS = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True).filter(
    lambda word: word not in {"y", "n", "yes", "no", "on", "off", "null", "true", "false"}
)
NUMBERS = st.decimals(
    min_value=Decimal(-1000), max_value=Decimal(1000), places=3, allow_nan=False
).map(lambda number: format(number.normalize(), "f"))
COMMENTS = st.text(
    st.characters(
        codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters="\x85"
    ),
    max_size=12,
).map(lambda text: f"# {text}")
ENDS = st.sampled_from(["\n", "\r\n"])


@st.composite
def files(draw: st.DrawFn) -> tuple[str, str, str, str]:
    """Return what stands before a number, the number as written, what follows, and its path."""
    end = draw(ENDS)
    keys = draw(st.lists(WORDS, min_size=2, max_size=6, unique=True))
    target = draw(st.integers(0, len(keys) - 1))
    flow = draw(st.booleans())
    quote = draw(st.sampled_from(["", "'", '"']))
    values = [draw(NUMBERS) for _ in keys]
    pieces: list[str] = []
    spot = 0
    head = draw(st.lists(COMMENTS, max_size=2))
    text = "".join(line + end for line in head)
    text += "top: {" if flow else f"top:{end}"
    pieces.append(text)
    for number, (key, value) in enumerate(zip(keys, values, strict=True)):
        gap = draw(st.sampled_from([" ", "   "]))
        pieces.append(f"{key}:{gap}" if flow else f"  {key}:{gap}")
        if number == target:
            spot = len("".join(pieces))
            pieces.append(f"{quote}{value}{quote}")
        else:
            pieces.append(value)
        if flow:
            pieces.append(", " if number + 1 < len(keys) else "}" + end)
        else:
            tail = draw(st.one_of(st.just(""), COMMENTS.map(lambda text: f"  {text}")))
            pieces.append(tail + end)
    whole = "".join(pieces)
    value = values[target]
    start = spot + len(quote)
    assert whole[start : start + len(value)] == value
    return whole[:start], value, whole[start + len(value) :], f"top.{keys[target]}"


@given(file=files(), after=NUMBERS, mark=st.booleans())
def test_exact_in_every_layout(file: tuple[str, str, str, str], after: str, *, mark: bool) -> None:
    """The bytes before and behind the number are the same ones, and the way back restores all."""
    head, before, tail, path = file
    bom = b"\xef\xbb\xbf" if mark else b""
    data = bom + f"{head}{before}{tail}".encode()

    edit = edit_exactly(data, "f.yaml", path, before=before, after=after)

    assert bom + f"{head}{after}{tail}".encode() == edit.data
    assert data == edit_exactly(edit.data, "f.yaml", path, before=after, after=before).data


@given(files(), st.text(max_size=8), NUMBERS)
def test_never_anything_but_a_number(
    file: tuple[str, str, str, str], after: str, other: str
) -> None:
    """A value that is no plain number, or not the one expected, changes nothing."""
    head, before, tail, path = file
    data = f"{head}{before}{tail}".encode()
    try:
        edit = edit_exactly(data, "f.yaml", path, before=other, after=after)
    except StaleValueError:
        assert Decimal(other) != Decimal(before)
    except ConfigError:
        pass
    else:
        assert Decimal(other) == Decimal(before)
        again = edit_exactly(edit.data, "f.yaml", path, before=after, after=after)
        assert again.before == after
        assert f"{head}{after}{tail}".encode() == edit.data


@given(st.text(max_size=60), st.text(max_size=20), NUMBERS, NUMBERS)
def test_any_text_is_edited_exactly_or_refused(
    text: str, path: str, before: str, after: str
) -> None:
    """No input raises anything but a refusal."""
    data = text.encode(errors="surrogatepass")
    try:
        edit = edit_exactly(data, "f.yaml", path, before=before, after=after)
    except ConfigError:
        return
    assert edit.data != data or Decimal(before) == Decimal(after)
