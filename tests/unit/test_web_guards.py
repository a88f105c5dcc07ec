"""Who is let in, decided from headers alone."""

from __future__ import annotations

import pytest

from market_bot.adapters.web.guards import BODY_BYTES_MAX, loopback_hosts, refusal
from market_bot.adapters.web.headers import security_headers

ALLOWED = loopback_hosts(8787)


def status_of(*headers: tuple[str, str]) -> int | None:
    """Return the status of the refusal of a request with these headers, or None."""
    found = refusal([(n.encode(), v.encode("latin-1")) for n, v in headers], ALLOWED)
    return None if found is None else found.status


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8787", "localhost:8787", "[::1]:8787", "LocalHost:8787"]
)
def test_own_addresses_are_let_in(host: str) -> None:
    """The addresses under which this machine reaches the bot are let in."""
    assert status_of(("host", host)) is None


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:8787",
        "127.0.0.1",
        "127.0.0.1:8788",
        "127.0.0.1:8787.evil.example",
        "localhost.evil.example:8787",
        "user@127.0.0.1:8787",
        "127.0.0.1:8787 ",
        "localhost.:8787",
        "0.0.0.0:8787",
        "127.1:8787",
        "[::ffff:127.0.0.1]:8787",
    ],
)
def test_every_other_host_is_misdirected(host: str) -> None:
    """A name that leads here without being ours is refused, however close it looks."""
    assert 421 == status_of(("host", host))


def test_a_missing_or_doubled_host_is_misdirected() -> None:
    """Exactly one Host says where the request wanted to go."""
    ours = ("host", "127.0.0.1:8787")

    assert 421 == status_of()
    assert 421 == status_of(ours, ours)
    assert 421 == status_of(ours, ("host", "evil.example"))


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "nonsense"])
def test_foreign_sites_are_forbidden(site: str) -> None:
    """What the browser calls anything but same-origin or none is refused."""
    assert 403 == status_of(("host", "127.0.0.1:8787"), ("sec-fetch-site", site))


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_own_pages_are_let_in(site: str) -> None:
    """A request of our own page and an address that a person typed are let in."""
    headers = [("host", "127.0.0.1:8787"), ("sec-fetch-site", site)]

    assert status_of(*headers, ("origin", "http://127.0.0.1:8787")) is None


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "http://evil.example",
        "https://127.0.0.1:8787",
        "http://127.0.0.1:8788",
        "http://127.0.0.1:8787/",
        "http://localhost:8787",
    ],
)
def test_foreign_origins_are_forbidden(origin: str) -> None:
    """Only the page of exactly this address may ask."""
    assert 403 == status_of(("host", "127.0.0.1:8787"), ("origin", origin))


@pytest.mark.parametrize(
    ("length", "status"),
    [
        ("0", None),
        (str(BODY_BYTES_MAX), None),
        (str(BODY_BYTES_MAX + 1), 413),
        ("9" * 5000, 413),
        ("-1", 413),
        ("", 413),
        ("1e3", 413),
    ],
)
def test_bodies_are_bounded(length: str, status: int | None) -> None:
    """A body may have 64 KB and not a byte more."""
    assert status == status_of(("host", "127.0.0.1:8787"), ("content-length", length))


def test_a_body_of_unknown_length_is_refused() -> None:
    """Whoever does not say how much is coming is not listened to."""
    assert 411 == status_of(("host", "127.0.0.1:8787"), ("transfer-encoding", "chunked"))


def test_the_usual_port_may_be_left_out() -> None:
    """On port 80 a browser sends the bare name."""
    assert "localhost" in loopback_hosts(80)
    assert "localhost" not in loopback_hosts(8787)


@pytest.mark.parametrize(
    ("path", "cache"),
    [
        ("/", b"no-cache"),
        ("/static/app.js", b"no-cache"),
        ("/api", b"no-store"),
        ("/api/status", b"no-store"),
        ("/apiary", b"no-cache"),
    ],
)
def test_data_is_kept_nowhere(path: str, cache: bytes) -> None:
    """What the interface says is stored nowhere, and files are asked for again."""
    assert cache == dict(security_headers(path))[b"cache-control"]
