"""The client against a loopback venue: deadlines, retries, limits, signatures, typed errors."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from market_bot.adapters.polymarket.amounts import Lifetime, OrderSide, amounts
from market_bot.adapters.polymarket.auth import ApiCredentials, login_headers
from market_bot.adapters.polymarket.budgets import RATES, Budget, Rate
from market_bot.adapters.polymarket.clob import book, books
from market_bot.adapters.polymarket.contracts import CONTRACTS, exchange_of
from market_bot.adapters.polymarket.discovery import Scope, discover
from market_bot.adapters.polymarket.gamma import Unsuitable
from market_bot.adapters.polymarket.order_replies import (
    PlacedStatus,
    cancelled,
    credentials,
    placed,
    placed_batch,
)
from market_bot.adapters.polymarket.order_signing import (
    Account,
    OrderPlan,
    OrderSigner,
    SignatureType,
    SignedOrder,
    salt_of,
)
from market_bot.adapters.polymarket.problems import (
    Kind,
    NoAnswer,
    OverBudget,
    PolymarketError,
    Unreachable,
    Unreadable,
    VenueProblem,
)
from market_bot.adapters.polymarket.rest import Endpoints, Patience, PolymarketRest
from market_bot.adapters.polymarket.signer import open_signer
from market_bot.adapters.polymarket.transport import HttpTransport
from market_bot.adapters.system.clock import SystemClock
from market_bot.core.domain.numbers import SECOND, Duration, price, size
from tests.fakes.fake_polymarket import (
    CUT_OFF,
    ENDLESS,
    HANG_UP,
    HTML,
    KILL,
    POST_ONLY,
    REDIRECT,
    RESTART,
    SERVER_ERROR,
    TOO_FAST,
    Answer,
    FakePolymarket,
)
from tests.fakes.fake_polymarket_clock import SteppingClock
from tests.fakes.fake_polymarket_records import (
    API_KEY,
    KEY,
    NOW,
    PASSPHRASE,
    SECRET,
    a_book,
    a_group,
    a_market,
    a_v2_market,
    an_event,
    condition,
    position,
    token,
)

LIMIT = 1 << 20


class Desk:
    """A venue, a client for it, and the clock both live by."""

    def __init__(self, venue: FakePolymarket) -> None:
        self.venue = venue
        self.clock = SteppingClock()
        self.signer = open_signer(KEY)
        self.orders = OrderSigner(self.signer, Account(signature_type=SignatureType.EOA))
        self.credentials = ApiCredentials(
            address=self.orders.login_address, key=API_KEY, secret=SECRET, passphrase=PASSPHRASE
        )
        self.opened: list[PolymarketRest] = []
        self.rest = self.client()

    def client(
        self, url: str = "", *, signed: bool = True, rate: Rate | None = None
    ) -> PolymarketRest:
        """Return a client of this venue."""
        at = url or self.venue.url
        # The network's time is the machine's; budgets and pauses live by the stepping clock.
        rest = PolymarketRest(
            HttpTransport(SystemClock(), body_max=LIMIT),
            self.clock,
            self.clock.wait,
            endpoints=Endpoints(gamma=at, clob=at, data=at, site=at),
            credentials=self.credentials if signed else None,
            rates=RATES if rate is None else dict.fromkeys(Budget, rate),
            patience=Patience(read=Duration(5 * SECOND), write=Duration(5 * SECOND)),
        )
        self.opened.append(rest)
        return rest

    def order(self, intent: str = "i-1", token_id: str = token(2)) -> SignedOrder:
        """Return a signed order to buy ten at 0.46."""
        self.venue.contracts[token_id] = CONTRACTS[
            exchange_of(int(token_id), neg_risk=False)
        ].address
        found = amounts(OrderSide.BUY, price("0.46"), size("10"), price("0.01"), Lifetime.GTC)
        return self.orders.sign(
            OrderPlan(
                exchange=exchange_of(int(token_id), neg_risk=False),
                token=int(token_id),
                side=OrderSide.BUY,
                amounts=found,
                salt=salt_of(intent),
                created_ms=NOW // 1000,
            )
        )

    def body(self, intent: str = "i-1", lifetime: Lifetime = Lifetime.GTC) -> bytes:
        """Return the bytes of that order."""
        return self.order(intent).body(owner=API_KEY, lifetime=lifetime)


@pytest.fixture
def desk() -> Iterator[Desk]:
    """Return a desk while its venue serves."""
    with FakePolymarket().serving() as venue:
        opened = Desk(venue)
        yield opened
        for rest in opened.opened:
            rest.close()


def problem(caught: pytest.ExceptionInfo[VenueProblem]) -> tuple[Kind, bool]:
    """Return what a refusal means."""
    return caught.value.kind, caught.value.proven


def test_the_whole_catalogue_is_walked(desk: Desk) -> None:
    """Short and empty pages are no end; an absent cursor is; the same event is never cut."""
    desk.venue.events = [an_event([a_market(n)], f"e-{n}") for n in range(1, 8)]
    desk.venue.events += [a_group(3, first=100), an_event([a_v2_market(200)], "v2")]
    desk.venue.page_sizes.extend([2, 0, 1, 5])
    found = discover(desk.rest, Scope(query=(("tag_slug", "draws"),)), NOW)

    assert 11 == len(found.listings)
    assert (5, True, {}) == (found.pages, found.whole, found.refused)
    assert 5 == desk.venue.asked("/events/keyset")
    first = desk.venue.requests[0][1]
    assert "closed=false" in first
    assert "tag_slug=draws" in first
    assert "offset" not in first
    assert found.terms()["group-100"].exhaustive
    assert not found.terms()["e-1"].at_most_one


def test_a_limited_walk_says_so(desk: Desk) -> None:
    """Beyond a limit whole events are left out, and the walk is not called whole."""
    desk.venue.events = [a_group(3), an_event([a_market(50)], "small"), a_group(3, first=60)]
    some = discover(desk.rest, Scope(markets_max=4), NOW)
    few = discover(desk.rest, Scope(pages_max=1, page_size=1), NOW)

    assert (4, False) == (len(some.listings), some.whole)
    assert (3, False, 1) == (len(few.listings), few.whole, few.pages)


def test_unsuitable_markets_are_counted(desk: Desk) -> None:
    """What cannot be traded is there by reason."""
    desk.venue.events = [
        an_event([a_market(1, closed=True), a_market(2, outcomes='["a"]'), a_market(3)])
    ]
    found = discover(desk.rest, Scope(), NOW)

    assert {Unsuitable.CLOSED: 1, Unsuitable.NOT_BINARY: 1} == found.refused
    assert [condition(1)] == list(found.resting)


def test_a_repeated_cursor_ends_the_walk(desk: Desk) -> None:
    """A venue that runs in circles does not take us with it."""
    page = json.dumps({"events": [], "next_cursor": "again"}).encode()
    desk.venue.fail("/events/keyset", *[(200, page, {})] * 9)
    found = discover(desk.rest, Scope(), NOW)

    assert (2, False, {"cursor_repeated": 1}) == (found.pages, found.whole, found.odd)


def test_books_come_in_batches(desk: Desk) -> None:
    """Unknown tokens are simply not there."""
    desk.venue.books = {token(2): a_book(1), token(4): a_book(2)}
    found = books(desk.rest.books([token(2), token(4), token(6)]))

    assert {token(2), token(4)} == set(found.by_token)
    assert 0 == desk.rest.retries


def test_a_read_is_tried_again(desk: Desk) -> None:
    """What passes is waited out, longer each time, and the third answer is good."""
    desk.venue.books = {token(2): a_book(1)}
    desk.venue.fail("/book", SERVER_ERROR, HANG_UP)
    found = book(desk.rest.book(token(2)))

    assert token(2) == found.token
    assert [SECOND // 4, SECOND // 2] == desk.clock.waits
    assert (3, 2) == (desk.venue.asked("/book"), desk.rest.retries)


def test_a_read_is_not_tried_for_ever(desk: Desk) -> None:
    """After a few tries the last error is the answer."""
    desk.venue.fail("/book", *[RESTART] * 9)
    with pytest.raises(VenueProblem) as caught:
        desk.rest.book(token(2))

    assert (Kind.RESTARTING, False) == problem(caught)
    assert 3 == desk.venue.asked("/book")


def test_a_refusal_is_not_tried_again(desk: Desk) -> None:
    """What will be refused again is asked once."""
    with pytest.raises(VenueProblem) as caught:
        desk.rest.book(token(2))

    assert (Kind.NO_BOOK, True) == problem(caught)
    assert 1 == desk.venue.asked("/book")


def test_too_many_requests_pause_their_class_only(desk: Desk) -> None:
    """After a 429 on reads we wait as long as we were told, while orders still go out."""
    desk.venue.fail("/version", *[TOO_FAST] * 3)
    with pytest.raises(VenueProblem) as caught:
        desk.rest.version()
    paused = list(desk.clock.waits)
    desk.clock.waits.clear()
    desk.rest.post_order(desk.body())

    assert Kind.RATE is caught.value.kind
    assert all(wait >= 2 * SECOND for wait in paused)
    assert [] == desk.clock.waits


def test_our_own_limits_are_kept(desk: Desk) -> None:
    """A short lack is waited out, a long one is an error before anything is sent."""
    rest = desk.client(rate=Rate(1, 2))
    for _ in range(3):
        rest.version()
    with pytest.raises(OverBudget, match="limit of writes"):
        rest.post_orders([desk.body(f"i-{n}") for n in range(15)])

    assert [SECOND] == desk.clock.waits
    assert 0 == desk.venue.asked("/orders")


def test_cancels_are_never_refused_by_ourselves(desk: Desk) -> None:
    """Cancels are paced at most a moment, whatever their number."""
    rest = desk.client(rate=Rate(1, 1))
    for _ in range(5):
        rest.cancel_orders([condition(n) for n in range(100)])

    assert 5 == desk.venue.asked("/orders")
    assert max(desk.clock.waits) <= 2 * SECOND


@pytest.mark.parametrize("token_id", [token(2), position(4, 1)])
def test_an_order_is_taken_under_the_id_we_knew_before(desk: Desk, token_id: str) -> None:
    """The venue checks login, HMAC and signature, and names the order as we did."""
    login = login_headers(desk.signer, desk.clock.now() // SECOND)
    assert (API_KEY, SECRET, PASSPHRASE) == credentials(desk.rest.derive_api_key(login))
    order = desk.order(token_id=token_id)
    answer = placed(desk.rest.post_order(order.body(owner=API_KEY, lifetime=Lifetime.GTC)))

    assert (order.id, PlacedStatus.LIVE, "") == (answer.order, answer.status, answer.error)
    assert order.id in desk.venue.orders


def test_the_query_is_not_signed(desk: Desk) -> None:
    """A signed read with a query is accepted: the path alone is signed."""
    order = desk.order()
    desk.rest.post_order(desk.body())
    rows = json.loads(desk.rest.open_orders(order=order.id))["data"]

    assert [order.id] == [row["id"] for row in rows]


def test_the_same_bytes_again_make_no_second_order(desk: Desk) -> None:
    """The venue knows the order already, which proves nothing about its fate."""
    desk.rest.post_order(desk.body())
    with pytest.raises(VenueProblem) as caught:
        desk.rest.post_order(desk.body())

    assert (Kind.DUPLICATE, False) == problem(caught)
    assert 1 == len(desk.venue.orders)


def test_an_order_is_sent_once_however_it_ends(desk: Desk) -> None:
    """No answer, an unknown error or half an answer: never a second time."""
    faults: list[Answer | str] = [HANG_UP, SERVER_ERROR, HTML, CUT_OFF, RESTART]
    for number, fault in enumerate(faults):
        desk.venue.fail("/order", fault)
        with pytest.raises((NoAnswer, VenueProblem)) as caught:
            desk.rest.post_order(desk.body(f"i-{number}"))
        assert not getattr(caught.value, "proven", False)

    assert 5 == desk.venue.asked("/order")
    assert [] == desk.clock.waits


def test_an_order_whose_answer_was_lost_is_found_by_its_id(desk: Desk) -> None:
    """The venue has it, and we can look because we knew the name."""
    order = desk.order()
    desk.venue.fail("/order", HANG_UP)
    with pytest.raises(NoAnswer):
        desk.rest.post_order(order.body(owner=API_KEY, lifetime=Lifetime.GTC))

    assert order.id in desk.venue.orders


@pytest.mark.parametrize("lifetime", [Lifetime.FOK, Lifetime.FAK])
def test_a_kill_is_a_normal_outcome(desk: Desk, lifetime: Lifetime) -> None:
    """Nothing to trade with is told as status 400 and proves that nothing happened."""
    with pytest.raises(VenueProblem) as caught:
        desk.rest.post_order(desk.body(lifetime=lifetime))

    assert (Kind.KILLED, True) == problem(caught)
    assert not desk.venue.orders


def test_a_match_and_a_delay_are_told_apart(desk: Desk) -> None:
    """Matched has its trades, delayed has nothing yet."""
    desk.venue.books = {token(2): a_book(1)}
    matched = placed(desk.rest.post_order(desk.body("i-1", Lifetime.FOK)))
    desk.venue.delayed = {token(2)}
    delayed = placed(desk.rest.post_order(desk.body("i-2", Lifetime.FOK)))

    assert (PlacedStatus.MATCHED, ("trade-1",)) == (matched.status, matched.trades)
    assert (PlacedStatus.DELAYED, ()) == (delayed.status, delayed.trades)


def test_a_leg_of_a_batch_fails_alone(desk: Desk) -> None:
    """Each order of a batch has its own outcome, although all say success."""
    bodies = [desk.body("i-1"), desk.body("i-2", Lifetime.FOK), desk.body("i-3")]
    legs = placed_batch(desk.rest.post_orders(bodies), 3)

    assert ["", KILL, ""] == [leg.error for leg in legs]
    assert [True, False, True] == [bool(leg.order) for leg in legs]


def test_post_only_windows_refuse_provably(desk: Desk) -> None:
    """After a restart of the engine taking orders are refused for a told time."""
    desk.venue.fail("/order", POST_ONLY)
    with pytest.raises(VenueProblem) as caught:
        desk.rest.post_order(desk.body())

    assert (Kind.POST_ONLY, True) == problem(caught)
    assert 79 * SECOND == caught.value.retry_after


def test_orders_are_cancelled(desk: Desk) -> None:
    """One, several, all; what is gone already is told."""
    ids = [placed(desk.rest.post_order(desk.body(f"i-{n}"))).order for n in range(4)]
    one, _ = cancelled(desk.rest.cancel_order(ids[0]))
    two, left = cancelled(desk.rest.cancel_orders(ids[:2]))
    rest, _ = cancelled(desk.rest.cancel_all())

    assert [{ids[0]}, {ids[1]}, set(ids[2:])] == [set(one), set(two), set(rest)]
    assert [ids[0]] == list(left)


def test_wrong_credentials_are_one_clear_error(desk: Desk) -> None:
    """A wrong secret is told as such; without credentials nothing is sent."""
    wrong = ApiCredentials(
        address=desk.orders.login_address, key=API_KEY, secret="d3Jvbmc=", passphrase=PASSPHRASE
    )
    desk.credentials = wrong
    with pytest.raises(VenueProblem) as caught:
        desk.client().cancel_all()
    with pytest.raises(PolymarketError, match="needs the account's API credentials"):
        desk.client(signed=False).cancel_all()

    assert (Kind.AUTH, True) == problem(caught)
    assert 1 == desk.venue.asked("/cancel-all")


def test_redirects_are_not_followed(desk: Desk) -> None:
    """An answer that sends us elsewhere is an error."""
    desk.venue.fail("/version", *[REDIRECT] * 3)
    with pytest.raises(VenueProblem, match="answered 302"):
        desk.rest.version()


def test_an_answer_too_large_is_not_read(desk: Desk) -> None:
    """Reading stops at the limit."""
    desk.venue.fail("/version", ENDLESS)
    with pytest.raises(Unreadable, match=f"more than {LIMIT} bytes"):
        desk.rest.version()


def test_a_cut_off_read_is_asked_again(desk: Desk) -> None:
    """Half an answer to a read is no answer."""
    desk.venue.fail("/version", CUT_OFF)

    assert b'{"version": 2}' == desk.rest.version()


def test_nobody_there_is_not_sent(desk: Desk) -> None:
    """A refused connection proves that nothing was sent."""
    nobody = desk.client("http://127.0.0.1:9")
    with pytest.raises(Unreachable, match="cannot be reached"):
        nobody.post_order(b"{}")


def test_no_secret_gets_into_errors_or_logs(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever goes wrong, neither messages nor log lines hold a secret or a signature."""
    caplog.set_level(logging.INFO)
    order = desk.order()
    body = order.body(owner=API_KEY, lifetime=Lifetime.GTC)
    echo = json.dumps({"error": f"bad key {API_KEY} {SECRET} {PASSPHRASE}"}).encode()
    said = ""
    faults: list[Answer | str] = [(400, echo, {}), HANG_UP, SERVER_ERROR]
    for fault in faults:
        desk.venue.fail("/order", fault)
        with pytest.raises(PolymarketError) as caught:
            desk.rest.post_order(body)
        said += f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"
    said += caplog.text + repr(desk.rest)

    assert "127.0.0.1" in said
    for secret in (SECRET, PASSPHRASE, API_KEY, order.signature, KEY):
        assert secret not in said


@pytest.mark.parametrize(
    "bad",
    ["http://polymarket.example", "https://host/path", "https://u:p@host", "ftp://127.0.0.1", ""],
)
def test_addresses_are_checked(bad: str) -> None:
    """Only https, or this machine; no paths, no users."""
    with pytest.raises(ValueError, match="must be like https"):
        Endpoints(clob=bad)


@pytest.mark.parametrize("bad", ["", "../admin", "a b", "0x" + "0" * 200, "x?y=1", "é"])
def test_ids_cannot_leave_their_place(desk: Desk, bad: str) -> None:
    """What goes into a path or a filter is an id and nothing else."""
    for call in (desk.rest.order, desk.rest.clob_market, desk.rest.book, desk.rest.cancel_order):
        with pytest.raises(ValueError, match="not a"):
            call(bad)

    assert [] == desk.venue.requests


def test_batches_are_bounded(desk: Desk) -> None:
    """Neither nothing nor too much is sent."""
    with pytest.raises(ValueError, match="1 to 500"):
        desk.rest.books([token(1)] * 501)
    with pytest.raises(ValueError, match="1 to 15"):
        desk.rest.post_orders([])
    with pytest.raises(ValueError, match="1 to 100 records"):
        desk.rest.events_keyset(limit=101)


def test_nothing_is_left_behind(desk: Desk, tmp_path: Path) -> None:
    """A client that is closed can be closed again."""
    desk.rest.version()
    desk.rest.close()
    desk.rest.close()

    assert [] == list(tmp_path.iterdir())
