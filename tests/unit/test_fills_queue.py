"""A place in the queue: what shortens it, and what of a print comes to us."""

import pytest

from market_bot.core.domain.fills import queue
from market_bot.core.domain.fills.queue import ECHO, Place
from market_bot.core.domain.fills.terms import FillModel, FillTerms, Latency
from market_bot.core.domain.numbers import Duration, Micros, Size

PESSIMISTIC, REALISTIC, OPTIMISTIC = FillModel
LATER = Micros(ECHO + 1)


def a_place(model: FillModel = PESSIMISTIC, shown: int = 100) -> Place:
    """Return the place of an order that has just arrived."""
    place = Place(model, Size(shown))
    place.arrive()
    return place


def level(place: Place, size: int, at: int = 0) -> int | None:
    """Tell what is displayed now, and return what stands before us."""
    place.displayed(Size(size), Micros(at))
    return place.ahead


def printed(place: Place, size: int, at: int = 0) -> tuple[int, int | None]:
    """Tell a print at our price; return what comes to us and what stands before us."""
    return place.reached(Size(size), Micros(at)), place.ahead


@pytest.mark.parametrize("model", FillModel)
@pytest.mark.parametrize(
    ("size", "ours", "ahead"), [(0, 0, 5), (3, 0, 2), (5, 0, 0), (7, 2, 0), (99, 94, 0)]
)
def test_the_queue_goes_first(model: FillModel, size: int, ours: int, ahead: int) -> None:
    """Prints shorten the queue, and only the rest comes to us."""
    assert (ours, ahead) == printed(a_place(model, 5), size)


def test_a_queue_is_worked_off_print_by_print() -> None:
    """Two prints that together reach beyond the queue give the difference."""
    place = a_place(shown=5)

    assert (0, 1) == printed(place, 4)
    assert (3, 0) == printed(place, 4)


@pytest.mark.parametrize("late", [0, ECHO])
@pytest.mark.parametrize("model", [PESSIMISTIC, REALISTIC])
def test_a_print_and_its_fall_count_once(model: FillModel, late: int) -> None:
    """The same trade, told as a print and as a smaller level, in either order, is one."""
    first, second = a_place(model), a_place(model)

    printed(first, 60)
    level(first, 40, late)
    level(second, 40)
    printed(second, 60, late)
    for place in (first, second):
        assert 40 == level(place, 40, 3 * ECHO)


@pytest.mark.parametrize("model", [PESSIMISTIC, REALISTIC])
def test_what_comes_too_late_is_no_echo(model: FillModel) -> None:
    """A fall is a withdrawal if its print comes later than the window, and the print counts too."""
    place = a_place(model)
    level(place, 40)

    ours, ahead = printed(place, 60, LATER)

    assert (20, 0) == (ours, ahead)


@pytest.mark.parametrize(("at", "ahead"), [(ECHO, 70), (LATER, 49)])
def test_a_print_waits_for_its_fall(at: int, ahead: int) -> None:
    """For as long as the window: a fall after it was withdrawn, in equal shares."""
    place = a_place(REALISTIC)
    printed(place, 30)
    level(place, 70, at)

    assert ahead == level(place, 70, at + LATER)


@pytest.mark.parametrize(
    ("model", "at_once", "later"),
    [(PESSIMISTIC, 80, 70), (REALISTIC, 80, 56), (OPTIMISTIC, 50, 50)],
)
def test_a_withdrawal(model: FillModel, at_once: int, later: int) -> None:
    """Eighty before us of a hundred, thirty withdrawn: behind us, everywhere alike, or before us.

    Behind us there were only twenty. Only the optimist believes it at once.
    """
    place = a_place(model, 80)
    level(place, 100)

    assert at_once == level(place, 70)
    assert at_once == level(place, 70, ECHO)
    assert later == level(place, 70, LATER)


def test_a_share_is_rounded_down() -> None:
    """Of one that withdrew, fifty of seventy before us, nothing whole came from before us."""
    place = a_place(REALISTIC, 50)
    level(place, 70)
    level(place, 69)

    assert 50 == level(place, 69, LATER)


@pytest.mark.parametrize("model", FillModel)
def test_a_level_that_vanishes_leaves_nobody(model: FillModel) -> None:
    """Once it is clear that all withdrew, we are the first, whoever comes after."""
    place = a_place(model)
    level(place, 0)
    level(place, 70)

    assert (5, 0) == printed(place, 5, LATER)


@pytest.mark.parametrize("model", FillModel)
def test_who_comes_later_stands_behind(model: FillModel) -> None:
    """A level that grows changes nothing."""
    assert 100 == level(a_place(model), 500, LATER)


def test_part_of_a_fall_is_a_print() -> None:
    """What a print does not explain of a fall was withdrawn."""
    place = a_place(REALISTIC)
    level(place, 40)
    printed(place, 20)

    # Eighty before us; forty of eighty withdrew, so half of those before us.
    assert 40 == level(place, 40, LATER)


@pytest.mark.parametrize(("model", "ahead"), [(PESSIMISTIC, 97), (REALISTIC, 0), (OPTIMISTIC, 0)])
def test_a_print_through_our_price(model: FillModel, ahead: int) -> None:
    """Trading below a bid needs it to be empty; only the pessimist does not rely on that."""
    place = a_place(model)

    assert max(0, 3 - 100 * (model is PESSIMISTIC)) == place.passed(Size(3), Micros(0))
    assert ahead == place.ahead


@pytest.mark.parametrize("model", FillModel)
def test_on_the_way_nothing_is_ours(model: FillModel) -> None:
    """Before it arrives an order has no place; then it stands behind all that is displayed."""
    place = Place(model, Size(100))

    assert (0, None) == printed(place, 500)
    assert 0 == place.passed(Size(500), Micros(0))
    assert level(place, 30) is None
    assert 30 == place.arrive()


@pytest.mark.parametrize(
    ("model", "first", "second"), [(PESSIMISTIC, 0, 30), (REALISTIC, 0, 30), (OPTIMISTIC, 20, 70)]
)
def test_what_traded_before_we_came(model: FillModel, first: int, second: int) -> None:
    """A print whose fall was displayed before we arrived has nothing to do with us."""
    place = Place(model, Size(100))
    level(place, 40)
    place.arrive()

    assert first == printed(place, 60)[0]
    assert second == printed(place, 70)[0]


@pytest.mark.parametrize("model", [PESSIMISTIC, REALISTIC])
def test_the_ledger_is_bounded(model: FillModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """More falls or prints than are kept are added up, and none is lost."""
    monkeypatch.setattr(queue, "_KEPT", 2)
    fallen, told = a_place(model), a_place(model)
    for left in (90, 80, 70, 60):
        level(fallen, left)
    for _ in range(4):
        printed(told, 10)

    assert (2, 2) == (len(fallen._falls), len(told._echoes))
    assert (0, 60) == printed(fallen, 40)
    assert 60 == level(fallen, 60, LATER)
    assert 60 == level(told, 60)
    assert 60 == level(told, 60, LATER)


def test_nothing_arrives_before_it_is_sent() -> None:
    """A latency below nothing is refused; by default there is none, and one is pessimistic."""
    with pytest.raises(ValueError, match="cancel takes -1"):
        Latency(cancel=Duration(-1))
    terms = FillTerms()

    assert (PESSIMISTIC, 0, 0) == (terms.model, terms.latency.order, terms.latency.withdrawal)
    assert (5, 6) == (
        Latency(send=Duration(3), data=Duration(2)).order,
        Latency(cancel=Duration(4), data=Duration(2)).withdrawal,
    )
