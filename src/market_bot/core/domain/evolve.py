"""Changed copies of frozen values, for the fold: a fraction of the time `attrs.evolve` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

T = TypeVar("T")

if TYPE_CHECKING:
    # The checker knows this one's arguments by the class.
    from attrs import evolve
else:

    def evolve(value: T, /, **changes: Any) -> T:  # noqa: ANN401 - whatever the fields hold
        """Return a copy of a frozen value with some fields changed.

        For classes made with ``slots=False`` that check and convert nothing: a copy takes over
        what its original holds without looking at it again.

        Raises:
            TypeError: if a field is not one of the class.

        """
        after = object.__new__(value.__class__)
        fields = after.__dict__
        fields.update(value.__dict__)
        known = len(fields)
        fields.update(changes)
        if len(fields) != known:
            msg = f"{value.__class__.__name__} has no such field: {', '.join(changes)}"
            raise TypeError(msg)
        return after


__all__ = ["evolve"]
