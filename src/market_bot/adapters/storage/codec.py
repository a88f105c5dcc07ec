"""Facts and states as JSON: exact, canonical, without floats.

========================  ==============================================
in the core               in the journal
========================  ==============================================
Price, Size, Money, ...   the shortest decimal string: ``"0.48"``
Micros                    ``"2026-11-22T00:30:00.123456Z"``
Duration                  whole microseconds
enumeration               its value
tuple                     array
None                      ``null``
========================  ==============================================

A fact keeps its fields in the order of its class. Reading ignores fields it does not know and
fills fields that were added later with their defaults; it refuses everything else that does not
fit.
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from enum import Enum
from functools import cache
from typing import Any, Final, TypeVar, cast

import attrs
import msgspec
from cattrs import Converter
from cattrs.errors import BaseValidationError, StructureHandlerNotFoundError

from market_bot.core.domain.events import EVENT_TYPES, Event
from market_bot.core.domain.numbers import (
    Duration,
    Micros,
    Money,
    Price,
    Probability,
    Size,
    format_money,
    format_price,
    format_probability,
    format_size,
    format_time,
    money,
    parse_time,
    price,
    probability,
    size,
)
from market_bot.core.ports.journal import JournalError

from .fact_writers import Texts, Writer, make_writer

_DEPTH_MAX: Final = 64

T = TypeVar("T")


class CodecError(JournalError):
    """A value does not fit its schema, or cannot be written exactly."""


def encode_event(event: Event) -> bytes:
    """Return the ``data`` of a fact as compact JSON.

    Raises:
        CodecError: if the fact holds a float, a wrong type or text that is not Unicode.

    """
    kind = type(event)
    try:
        write = _WRITERS.get(kind) or _WRITERS.setdefault(kind, _event_writer(kind))
        return write(event)
    except _UNFIT as e:
        msg = f"{kind.__name__} cannot be written: {e}"
        raise CodecError(msg) from e


def decode_event(kind: str, data: bytes | msgspec.Raw) -> Event | None:
    """Return the fact a line holds; None if this version does not know its type.

    Raises:
        CodecError: if the data does not fit the type.

    """
    cls = EVENT_TYPES.get(kind)
    if cls is None:
        return None
    try:
        read = _READERS.get(cls) or _READERS.setdefault(cls, _event_reader(cls))
        return read(msgspec.json.decode(data), cls)
    except _MISFITS as e:
        msg = f"{kind} does not fit its schema: {_reason(e)}"
        raise CodecError(msg) from e


def event_data(event: Event) -> dict[str, object]:
    """Return the ``data`` of a fact as plain values, in the order of its class."""
    return cast("dict[str, object]", msgspec.json.decode(encode_event(event)))


def unstructure(value: object, cls: type[T]) -> object:
    """Return a value of a state as plain JSON values; the inverse of `structure`.

    Raises:
        CodecError: if it holds a float or a wrong type.

    """
    try:
        return _converter().unstructure(value, unstructure_as=cls)
    except _UNFIT as e:
        msg = f"{cls.__name__} cannot be written: {e}"
        raise CodecError(msg) from e


def structure(data: object, cls: type[T]) -> T:
    """Return the value of a state that plain JSON values stand for.

    Raises:
        CodecError: if the data does not fit the class.

    """
    try:
        return _converter().structure(data, cls)
    except _MISFITS as e:
        msg = f"{cls.__name__} does not fit its schema: {_reason(e)}"
        raise CodecError(msg) from e


def encode_state(state: attrs.AttrsInstance) -> Mapping[str, object]:
    """Return a whole state as plain JSON values, ready for a `Checkpoint`."""
    return cast("Mapping[str, object]", unstructure(state, type(state)))


def decode_state(data: Mapping[str, object], cls: type[T]) -> T:
    """Return the state a `Checkpoint` holds.

    Raises:
        CodecError: if the data does not fit the class.

    """
    return structure(data, cls)


def digest(state: attrs.AttrsInstance) -> str:
    """Return the SHA-256 of a state as 64 hex digits; the order inside mappings does not count."""
    canonical = msgspec.json.encode(encode_state(state), order="sorted")
    return hashlib.sha256(canonical).hexdigest()


_UNFIT = (TypeError, ValueError, AttributeError, OverflowError)
_MISFITS = (
    TypeError,
    ValueError,
    KeyError,
    AttributeError,
    BaseValidationError,
    StructureHandlerNotFoundError,
    msgspec.DecodeError,
)

_encode = msgspec.json.Encoder().encode
_WRITERS: Final[dict[type[Event], Writer]] = {}
_READERS: Final[dict[type[Event], Callable[[object, type[Event]], Event]]] = {}


def _reason(error: BaseException) -> str:
    if isinstance(error, KeyError):
        return f"{error.args[0]} is missing"
    return str(error)


def _event_writer(cls: type[Event]) -> Writer:
    return make_writer(cls, _TEXTS, _general_writer(cls), _general_writer)


def _general_writer(kind: Any) -> Writer:  # noqa: ANN401 - whatever stands in an annotation
    plain = cast("Callable[[Any], object]", _converter().get_unstructure_hook(kind))
    return lambda value: _encode(plain(value))


def _event_reader(cls: type[Event]) -> Callable[[object, type[Event]], Event]:
    return cast("Callable[[object, type[Event]], Event]", _converter().get_structure_hook(cls))


@cache
def _converter() -> Converter:
    converter = Converter(
        detailed_validation=False,
        unstruct_collection_overrides={AbstractSet: sorted, tuple: list},
    )
    for kind, write, read in _NUMBERS:
        converter.register_unstructure_hook(kind, write)
        converter.register_unstructure_hook(kind | None, _optional(write))
        converter.register_structure_hook(kind, read)
    converter.register_unstructure_hook(Micros, _moment_out)
    converter.register_structure_hook(Micros, _moment_in)
    converter.register_unstructure_hook(Duration, _whole)
    converter.register_structure_hook(Duration, _plain_in(int))
    for plain in (int, str, bool):
        converter.register_unstructure_hook(plain, _whole if plain is int else _same(plain))
        converter.register_structure_hook(plain, _plain_in(plain))
    converter.register_unstructure_hook_func(lambda kind: kind in (object, Any, float), _free)
    converter.register_structure_hook_func(lambda kind: kind in (object, Any, float), _free_in)
    converter.register_unstructure_hook_func(_is_enum, operator.attrgetter("_value_"))
    converter.register_structure_hook_factory(_is_enum)(_enum_in)
    return converter


def _enum_in(kind: type[Enum]) -> Callable[[Any, Any], Enum]:
    members = {member.value: member for member in kind}

    def parse(value: Any, _: object) -> Enum:  # noqa: ANN401 - what JSON held
        try:
            return members[value]
        except (KeyError, TypeError):
            msg = f"not a {kind.__name__}: {value!r}"
            raise ValueError(msg) from None

    return parse


def _is_enum(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Enum)


def _optional(write: Callable[[Any], str]) -> Callable[[Any], str | None]:
    return lambda value: None if value is None else write(value)


def _exactly(write: Callable[[Any], str]) -> Callable[[Any], str]:
    # Numbers repeat themselves, and a look-up costs a tenth of the formatting.
    known: dict[int, str] = {}

    def out(value: Any) -> str:  # noqa: ANN401 - anything may be in a field that lies about its type
        if value.__class__ is not int:
            _refuse(value)
        text = known.get(value)
        if text is None:
            text = write(value)
            if len(known) < _MEMO_MAX:
                known[value] = text
        return text

    return out


_MEMO_MAX: Final = 100_000


def _number_in(read: Callable[[str], int]) -> Callable[[Any, Any], int]:
    known: dict[str, int] = {}

    def parse(value: Any, _: object) -> int:  # noqa: ANN401 - what JSON held
        if value.__class__ is not str:
            msg = f"a decimal string was expected: {value!r}"
            raise TypeError(msg)
        number = known.get(value)
        if number is None:
            number = read(value)
            if len(known) < _MEMO_MAX:
                known[value] = number
        return number

    return parse


def _moment_out(value: Any) -> str:  # noqa: ANN401 - as in `_exactly`
    return format_time(Micros(_whole(value)))


def _moment_in(value: Any, _: object) -> Micros:  # noqa: ANN401 - what JSON held
    if value.__class__ is not str:
        msg = f"a time was expected: {value!r}"
        raise TypeError(msg)
    return parse_time(value)


def _whole(value: Any) -> int:  # noqa: ANN401 - as in `_exactly`
    if value.__class__ is not int:
        _refuse(value)
    return cast("int", value)


def _same(plain: type) -> Callable[[Any], Any]:
    def out(value: Any) -> Any:  # noqa: ANN401 - as in `_exactly`
        if value.__class__ is not plain:
            _refuse(value)
        return value

    return out


def _plain_in(plain: type[T]) -> Callable[[Any, Any], T]:
    def parse(value: Any, _: object) -> T:  # noqa: ANN401 - what JSON held
        if value.__class__ is not plain:
            msg = f"{plain.__name__} was expected: {value!r}"
            raise TypeError(msg)
        return value

    return parse


def _free(value: Any, depth: int = 0) -> object:  # noqa: ANN401 - anything JSON can hold
    if value is None or value.__class__ in _FREE:
        return value
    if depth < _DEPTH_MAX and isinstance(value, Mapping):
        return {_same(str)(key): _free(item, depth + 1) for key, item in value.items()}
    if depth < _DEPTH_MAX and isinstance(value, (list, tuple)):
        return [_free(item, depth + 1) for item in value]
    return _refuse(value)


_FREE: Final = frozenset({str, int, bool})


def _free_in(value: Any, _: object) -> object:  # noqa: ANN401 - what JSON held
    return _free(value)


def _refuse(value: object) -> object:
    msg = f"not exact or not plain: {value!r} ({type(value).__name__})"
    raise TypeError(msg)


_NUMBERS: Final[tuple[tuple[Any, Callable[[Any], str], Callable[[Any, Any], Any]], ...]] = (
    (Price, _exactly(format_price), _number_in(price)),
    (Size, _exactly(format_size), _number_in(size)),
    (Money, _exactly(format_money), _number_in(money)),
    (Probability, _exactly(format_probability), _number_in(probability)),
)
_TEXTS: Final = {
    Price: Texts(format_price),
    Size: Texts(format_size),
    Money: Texts(format_money),
    Probability: Texts(format_probability),
}
