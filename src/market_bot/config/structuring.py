"""From plain data to the schema's classes, with every fault named by its path.

cattrs does the work. Its own coercions (``str(5)``, ``bool("no")``, ``int("7")``) are replaced by
strict ones, and a field's validator runs with the field, so that all faults are found at once.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from typing import Any, Final, TypeVar, get_args, get_origin

import attrs
from cattrs import (
    AttributeValidationNote,
    ClassValidationError,
    Converter,
    ForbiddenExtraKeysError,
    IterableValidationError,
)
from cattrs.gen import make_dict_structure_fn, override

from market_bot.core.domain.numbers import (
    MONEY_SCALE,
    PRICE_SCALE,
    PROBABILITY_SCALE,
    SIZE_SCALE,
    Micros,
    Money,
    NotExactError,
    Price,
    Probability,
    Size,
    money,
    price,
    probability,
    size,
)

from .errors import KeyPath, show
from .scalars import is_plain_decimal
from .schema import FieldError, ParamValue

T = TypeVar("T")
Hook = Callable[[Any, Any], Any]
_MAX_PARAMS: Final = 100


@attrs.frozen
class Problem:
    """A fault before its place in the file is known.

    Args:
        path: where in the data.
        message: what is wrong and what to do.
        at_key: whether it is about the key itself, not its value.
        missing: whether it says that nothing stands at ``path``.
        meant: the path that an unknown key was probably meant to be.

    """

    path: KeyPath
    message: str
    at_key: bool = False
    missing: bool = False
    meant: KeyPath | None = None


class UnfitError(ValueError):
    """Data does not fit a class; ``problems`` says where and why."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problem.message for problem in problems))


def structure(data: object, cls: type[T]) -> T:
    """Return plain data as an instance of a schema class or of a strategy's parameter class.

    Raises:
        UnfitError: naming everything that does not fit.

    """
    try:
        return _CONVERTER.structure(data, cls)
    except (ClassValidationError, IterableValidationError, TypeError, ValueError) as e:
        raise UnfitError(_once(list(_problems(e, ())))) from e


def _once(problems: list[Problem]) -> list[Problem]:
    # A misspelt key is one mistake, although the right key is missing as well.
    meant = {problem.meant for problem in problems}
    return [problem for problem in problems if not (problem.missing and problem.path in meant)]


def _problems(error: BaseException, path: KeyPath) -> Iterator[Problem]:
    match error:
        case ClassValidationError() | IterableValidationError():
            yield from _inner_problems(error, path)
        case ForbiddenExtraKeysError():
            for key in sorted(error.extra_fields):
                yield _unknown(error.cl, key, path)
        case FieldError():
            yield Problem((*path, *error.path), str(error))
        case UnfitError():
            for problem in error.problems:
                yield attrs.evolve(problem, path=(*path, *problem.path))
        case _:
            yield Problem(path, str(error))


def _inner_problems(
    error: ClassValidationError | IterableValidationError, path: KeyPath
) -> Iterator[Problem]:
    noted, whole = error.group_exceptions()
    for inner, note in noted:
        step = note.name if isinstance(note, AttributeValidationNote) else note.index
        if isinstance(inner, KeyError):
            yield _missing(error.cl, str(step), path)
        else:
            yield from _problems(inner, (*path, step))
    for inner in whole:
        yield from _problems(inner, path)


def _missing(cls: type, name: str, path: KeyPath) -> Problem:
    field = attrs.fields_dict(cls)[name]
    example = field.metadata.get("example")
    if example is None:
        message = _missing_section(name, field.type)
    elif field.metadata.get("safety_rule"):
        message = (
            f"the safety rule {name} is missing and the bot does not start without it:"
            f" add a line like `{name}: {example}`"
        )
    else:
        message = f"missing: add a line like `{name}: {example}`"
    return Problem((*path, name), message, missing=True)


def _missing_section(name: str, kind: object) -> str:
    if not (isinstance(kind, type) and attrs.has(kind)):
        return f"missing: add `{name}:` as in the default file"
    required = [field for field in attrs.fields(kind) if field.default is attrs.NOTHING]
    lines = ", ".join(f"{field.name}: {field.metadata.get('example')}" for field in required)
    if any(field.metadata.get("safety_rule") for field in required):
        return (
            "the safety rules are missing and the bot does not start without them:"
            f" add `{name}: {{{lines}}}`"
        )
    return f"missing: add a line like `{name}: {{{lines}}}`"


def _unknown(cls: type, key: str, path: KeyPath) -> Problem:
    known = [field.name for field in attrs.fields(cls)]
    near = difflib.get_close_matches(key[:100], known, n=1, cutoff=0.6)
    if near:
        advice = f"did you mean {near[0]}?"
    elif known:
        advice = f"known here: {', '.join(known)}"
    else:
        advice = "nothing can be set here yet"
    meant = (*path, near[0]) if near else None
    return Problem((*path, key), f"unknown key: {advice}", at_key=True, meant=meant)


def _kind(value: object) -> str:
    names = {str: "text", bool: "true or false", int: "a whole number", Decimal: "a decimal"}
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "a section"
    if isinstance(value, list):
        return "a list"
    return f"{names.get(type(value), 'something else')} ({show(value)})"


def _exactly(kind: type, wanted: str) -> Hook:
    def hook(value: Any, _: Any) -> Any:  # noqa: ANN401 - a cattrs hook takes and makes anything
        if type(value) is not kind:
            quotes = (
                ": put it in quotes" if kind is str and isinstance(value, (int, Decimal)) else ""
            )
            msg = f"must be {wanted}, was {_kind(value)}{quotes}"
            raise TypeError(msg)
        return value

    return hook


def _exact_decimal(value: object, wanted: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal, str)):
        msg = f"must be {wanted}, was {_kind(value)}"
        raise TypeError(msg)
    if not is_plain_decimal(value if isinstance(value, str) else format(Decimal(value), "f")):
        msg = f"must be {wanted} written out in full, like 12 or 0.05; was {show(value)}"
        raise ValueError(msg)
    return Decimal(value)


def _amount(make: Callable[[Decimal], int], wanted: str, decimals: int) -> Hook:
    def hook(value: Any, _: Any) -> Any:  # noqa: ANN401 - a cattrs hook takes and makes anything
        exact = _exact_decimal(value, wanted)
        try:
            return make(exact)
        except NotExactError as e:
            msg = f"must be {wanted} with at most {decimals} decimals, was {show(value)}"
            raise ValueError(msg) from e

    return hook


def _decimal(value: Any, _: Any) -> Decimal:  # noqa: ANN401 - a cattrs hook takes anything
    return _exact_decimal(value, "a number")


def _enum_hook(cls: type[Enum]) -> Hook:
    def hook(value: Any, _: Any) -> Any:  # noqa: ANN401 - a cattrs hook takes and makes anything
        words = [str(member.value) for member in cls]
        if not isinstance(value, str) or value not in words:
            near = difflib.get_close_matches(value, words, n=1) if isinstance(value, str) else []
            hint = f"; did you mean {near[0]}?" if near else ""
            msg = f"must be one of {', '.join(words)}, was {_kind(value)}{hint}"
            raise ValueError(msg)
        return cls(value)

    return hook


def _params(value: Any, _: Any) -> dict[str, ParamValue]:  # noqa: ANN401 - a cattrs hook takes anything
    if not isinstance(value, Mapping):
        msg = f"must be a section of `name: value` lines, was {_kind(value)}"
        raise TypeError(msg)
    if len(value) > _MAX_PARAMS:
        msg = f"more than {_MAX_PARAMS} parameters"
        raise ValueError(msg)
    unfit = [
        Problem((key,), f"must be a single value, was {_kind(item)}")
        for key, item in value.items()
        if not isinstance(item, (str, int, Decimal, bool))
    ]
    if unfit:
        raise UnfitError(unfit)
    return dict(value)


def _numbers(value: Any, _: Any) -> dict[str, int]:  # noqa: ANN401 - a cattrs hook takes anything
    if not isinstance(value, Mapping):
        msg = f"must be a section of `name: number` lines, was {_kind(value)}"
        raise TypeError(msg)
    unfit = [
        Problem((key,), f"must be a whole number, was {_kind(item)}")
        for key, item in value.items()
        if type(item) is not int
    ]
    if unfit:
        raise UnfitError(unfit)
    return dict(value)


def _is_mapping_of_params(kind: Any) -> bool:  # noqa: ANN401 - cattrs asks about any annotation
    return get_origin(kind) is Mapping and get_args(kind)[1] is not int


def _is_mapping_of_numbers(kind: Any) -> bool:  # noqa: ANN401 - cattrs asks about any annotation
    return get_origin(kind) is Mapping and get_args(kind)[1] is int


def _is_tuple(kind: Any) -> bool:  # noqa: ANN401 - cattrs asks about any annotation
    return get_origin(kind) is tuple and get_args(kind)[1:] == (...,)


def _tuple_hook(kind: Any, converter: Converter) -> Hook:  # noqa: ANN401 - any tuple annotation
    as_list: Any = list[get_args(kind)[0]]  # type: ignore[misc]  # a type made at run time
    inner = converter.get_structure_hook(as_list)

    def hook(value: Any, _: Any) -> Any:  # noqa: ANN401 - a cattrs hook takes and makes anything
        if not isinstance(value, list):
            msg = f"must be a list, was {_kind(value)}"
            raise TypeError(msg)
        return tuple(inner(value, as_list))

    return hook


def _class_hook(cls: type, converter: Converter) -> Hook:
    attrs.resolve_types(cls)
    overrides: dict[str, Any] = {
        field.name: override(struct_hook=_validating(field, converter))
        for field in attrs.fields(cls)
        if field.validator is not None
    }
    fill: Hook = make_dict_structure_fn(cls, converter, **overrides)

    def hook(value: Any, kind: Any) -> Any:  # noqa: ANN401 - a cattrs hook takes and makes anything
        if not isinstance(value, Mapping):
            msg = f"must be a section of `key: value` lines, was {_kind(value)}"
            raise TypeError(msg)
        return fill(value, kind)

    return hook


def _validating(field: attrs.Attribute[Any], converter: Converter) -> Hook:
    inner = converter.get_structure_hook(field.type)
    validator = field.validator

    def hook(value: Any, _: Any) -> Any:  # noqa: ANN401 - a cattrs hook takes and makes anything
        made = inner(value, field.type)
        if validator is not None:
            validator(None, field, made)
        return made

    return hook


def _make_converter() -> Converter:
    converter = Converter(forbid_extra_keys=True)
    converter.register_structure_hook_factory(attrs.has, _class_hook)
    converter.register_structure_hook_factory(_is_tuple, _tuple_hook)
    converter.register_structure_hook_func(_is_mapping_of_params, _params)
    converter.register_structure_hook_func(_is_mapping_of_numbers, _numbers)
    converter.register_structure_hook(str, _exactly(str, "text"))
    converter.register_structure_hook(int, _exactly(int, "a whole number"))
    converter.register_structure_hook(bool, _exactly(bool, "true or false"))
    converter.register_structure_hook(Decimal, _decimal)
    for kind, make, wanted, decimals in (
        (Price, price, "a price in dollars", PRICE_SCALE),
        (Size, size, "a number of contracts", SIZE_SCALE),
        (Money, money, "an amount in dollars", MONEY_SCALE),
        (Probability, probability, "a probability from 0 to 1", PROBABILITY_SCALE),
    ):
        converter.register_structure_hook(kind, _amount(make, wanted, decimals))
    converter.register_structure_hook(Micros, _exactly(int, "a whole number of microseconds"))
    converter.register_structure_hook_factory(
        lambda kind: isinstance(kind, type) and issubclass(kind, Enum), _enum_hook
    )
    return converter


_CONVERTER: Final = _make_converter()
