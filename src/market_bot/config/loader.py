"""Read the settings of a file. Nothing is ever written here.

`load_venue` and `load_bot` are what most callers want. `read_venue` also returns the source, with
which `structure_params` can say in which line a strategy's parameter is wrong. The ``parse_``
functions take bytes, for an edit that is checked before it is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Generic, TypeVar

import attrs

from .errors import ConfigError, Fault, KeyPath
from .schema import BotConfig, ParamValue, VenueConfig
from .strict_yaml import MAX_BYTES, Document, load
from .structuring import Problem, UnfitError, structure

T = TypeVar("T")


@attrs.frozen
class Sourced(Generic[T]):
    """A configuration together with the text it was read from."""

    config: T
    source: Document


def load_venue(path: Path) -> VenueConfig:
    """Return the configuration of a venue's file.

    Raises:
        ConfigError: with one line per fault.

    """
    return read_venue(path).config


def load_bot(path: Path) -> BotConfig:
    """Return the configuration of ``bot.yaml``.

    Raises:
        ConfigError: with one line per fault.

    """
    return read_bot(path).config


def read_venue(path: Path) -> Sourced[VenueConfig]:
    """Return the configuration of a venue's file together with its text.

    Raises:
        ConfigError: with one line per fault.

    """
    return parse_venue(_bytes_of(path), str(path))


def read_bot(path: Path) -> Sourced[BotConfig]:
    """Return the configuration of ``bot.yaml`` together with its text.

    Raises:
        ConfigError: with one line per fault.

    """
    return parse_bot(_bytes_of(path), str(path))


def parse_venue(data: bytes, name: str) -> Sourced[VenueConfig]:
    """Return the configuration that the bytes of a venue's file mean; errors call it ``name``.

    Raises:
        ConfigError: with one line per fault.

    """
    return _parse(data, name, VenueConfig)


def parse_bot(data: bytes, name: str) -> Sourced[BotConfig]:
    """Return the configuration that the bytes of a ``bot.yaml`` mean; errors call it ``name``.

    Raises:
        ConfigError: with one line per fault.

    """
    return _parse(data, name, BotConfig)


def structure_params(
    cls: type[T],
    params: Mapping[str, ParamValue],
    path: KeyPath = ("params",),
    source: Document | None = None,
) -> T:
    """Return a strategy's parameters as the class that the strategy declares.

    Args:
        cls: an attrs class; fields may be Price, Size, Money, Probability, Decimal, int, str,
            bool, an Enum, or one of these or None. Field validators are run and reported.
        params: the mapping of `StrategyConfig.params`.
        path: where the mapping stands, such as ``("strategies", 0, "params")``.
        source: the file, for line and column; without it errors name the path alone.

    Raises:
        ConfigError: with one line per fault.

    """
    try:
        return structure(dict(params), cls)
    except UnfitError as e:
        raise _located(e, path, source) from e


def _parse(data: bytes, name: str, cls: type[T]) -> Sourced[T]:
    document = load(data, name)
    try:
        return Sourced(structure(document.data(), cls), document)
    except UnfitError as e:
        raise _located(e, (), document) from e


def _located(error: UnfitError, base: KeyPath, source: Document | None) -> ConfigError:
    return ConfigError.of(
        _fault(attrs.evolve(problem, path=(*base, *problem.path)), source)
        for problem in error.problems
    )


def _fault(problem: Problem, source: Document | None) -> Fault:
    if source is None:
        return Fault("parameters", 1, 1, problem.path, problem.message)
    return source.fault(problem.path, problem.message, key=problem.at_key)


def _bytes_of(path: Path) -> bytes:
    try:
        if path.is_file() and path.stat().st_size > MAX_BYTES:
            # One byte too many is enough for the reader to refuse it.
            return b" " * (MAX_BYTES + 1)
        return path.read_bytes()
    except FileNotFoundError as e:
        message = "no such file: run `market-bot init` to get the default one"
        raise ConfigError.of([Fault(str(path), 1, 1, (), message)]) from e
    except OSError as e:
        message = f"cannot be read ({e.strerror}): check its owner and mode"
        raise ConfigError.of([Fault(str(path), 1, 1, (), message)]) from e
