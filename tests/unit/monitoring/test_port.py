"""The metrics port answers what it must and refuses the rest."""

from __future__ import annotations

from collections.abc import Sequence

from ottla.broker.monitoring.port import MetricsPort
from ottla.core.model.parts import Part
from ottla.world.doors import Address


class Wire:
    """A connection that remembers what was sent."""

    peer = local = Address("127.0.0.1", 1)
    unsent = 0

    def __init__(self) -> None:
        self.sent = b""
        self.over = False

    def send(self, parts: Sequence[Part]) -> None:
        for part in parts:
            assert isinstance(part, bytes)
            self.sent += part

    def close(self) -> None:
        self.over = True

    abort = close

    def pause(self) -> None: ...

    def resume(self) -> None: ...


def talk(*chunks: bytes, render: str = "up 1\n") -> Wire:
    def page() -> str:
        if render == "broken":
            raise ValueError("no")
        return render

    session = MetricsPort(page)._accept()
    wire = Wire()
    session.opened(wire)
    for chunk in chunks:
        room = session.buffer()
        room[: len(chunk)] = chunk
        session.filled(len(chunk))
    return wire


def test_a_scrape_in_pieces_then_another() -> None:
    wire = talk(b"GET /metr", b"ics HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    assert wire.sent.count(b"HTTP/1.1 200") == 2
    assert b"version=0.0.4" in wire.sent
    assert b"up 1\n" in wire.sent and wire.sent.endswith(b"ok\n")
    assert not wire.over


def test_connection_close_is_honoured() -> None:
    assert talk(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").over


def test_head_has_no_body() -> None:
    wire = talk(b"HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"content-length: 5" in wire.sent.lower() and not wire.sent.endswith(b"up 1\n")


def test_unknown_paths_methods_and_bodies() -> None:
    assert b" 404 " in talk(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").sent
    assert b" 405 " in talk(b"DELETE /metrics HTTP/1.1\r\nHost: x\r\n\r\n").sent
    assert talk(b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc").over


def test_nonsense_is_refused() -> None:
    wire = talk(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 \r\n\r\n")
    assert wire.over and b" 400 " in wire.sent


def test_a_broken_page_is_said(caplog: object) -> None:
    assert b" 500 " in talk(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", render="broken").sent
