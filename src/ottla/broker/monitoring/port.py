"""The metrics port: `GET /metrics` and `GET /health`, over HTTP/1.1, and nothing else.

h11 turns bytes into requests and answers into bytes; the Network door carries them. A client that talks nonsense gets a
400 and loses its connection. A request with a body is refused: nothing here reads one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

import h11

from ottla.broker.monitoring.exposition import CONTENT_TYPE
from ottla.world.doors import Address, Connection, Listener, World

log = logging.getLogger("ottla.metrics")

READ_BYTES: Final = 16 * 1024
HEAD_BYTES_MAX: Final = 16 * 1024
CONNECTIONS_MAX: Final = 64
"""Scrapers are few; more than this is a mistake or an attack, and the newest is turned away."""

Render = Callable[[], str]


class MetricsPort:
    """An open metrics port. `render` makes the page at every scrape."""

    def __init__(self, render: Render) -> None:
        self._render = render
        self._listener: Listener | None = None
        self._sessions: dict[_Session, None] = {}

    async def open(self, world: World, host: str, port: int) -> Address:
        """Listen; returns where. Raises OSError when it cannot."""
        self._listener = await world.network.listen(host, port, self._accept)
        return self._listener.address

    def close(self) -> None:
        if self._listener is not None:
            self._listener.close()
        for session in list(self._sessions):
            session.abort()

    def _accept(self) -> _Session:
        session = _Session(self)
        self._sessions[session] = None
        return session

    @property
    def crowded(self) -> bool:
        return len(self._sessions) > CONNECTIONS_MAX

    def forget(self, session: _Session) -> None:
        self._sessions.pop(session, None)

    def answer(self, method: bytes, path: str) -> tuple[int, str, str]:
        """(status, content type, body) for a request."""
        plain = "text/plain; charset=utf-8"
        if method not in (b"GET", b"HEAD"):
            return 405, plain, "Only GET and HEAD are answered here.\n"
        if path == "/metrics":
            try:
                return 200, CONTENT_TYPE, self._render()
            except Exception:
                log.exception("Rendering the metrics page failed")
                return 500, plain, "Rendering the metrics failed; the node's log says why.\n"
        if path == "/health":
            return 200, plain, "ok\n"
        return 404, plain, "Try /metrics or /health.\n"


class _Session:
    """One scraper's connection."""

    def __init__(self, port: MetricsPort) -> None:
        self._port = port
        self._machine = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES_MAX)
        self._scratch = bytearray(READ_BYTES)
        self._connection: Connection | None = None

    def opened(self, connection: Connection) -> None:
        self._connection = connection
        if self._port.crowded:
            connection.abort()

    def abort(self) -> None:
        if self._connection is not None:
            self._connection.abort()

    def buffer(self) -> memoryview:
        return memoryview(self._scratch)

    def filled(self, count: int) -> None:
        try:
            self._machine.receive_data(bytes(self._scratch[:count]))
            self._serve()
        except h11.RemoteProtocolError as error:
            log.info("Closing a metrics connection: %s", error)
            self._refuse(error.error_status_hint)

    def drained(self) -> None:
        """Nothing waits for room: an answer is one page."""

    def closed(self, error: OSError | None) -> None:
        self._port.forget(self)

    def _serve(self) -> None:
        while True:
            event = self._machine.next_event()
            if event is h11.NEED_DATA or event is h11.PAUSED:
                return
            if isinstance(event, h11.Request):
                path = event.target.decode("ascii", "replace").partition("?")[0]
                status, content_type, body = self._port.answer(event.method, path)
                self._reply(status, content_type, body.encode(), with_body=event.method != b"HEAD")
            elif isinstance(event, h11.Data):
                self._refuse(413)
                return
            elif isinstance(event, h11.EndOfMessage):
                if self._machine.our_state is h11.MUST_CLOSE:
                    self._close()
                    return
                self._machine.start_next_cycle()
            else:
                self._close()
                return

    def _reply(self, status: int, content_type: str, body: bytes, *, with_body: bool) -> None:
        headers = [
            ("content-type", content_type),
            ("content-length", str(len(body))),
            ("cache-control", "no-store"),
        ]
        self._send(h11.Response(status_code=status, headers=headers))
        if with_body:
            self._send(h11.Data(data=body))
        self._send(h11.EndOfMessage())

    def _send(self, event: h11.Event) -> None:
        data = self._machine.send(event)
        if data and self._connection is not None:
            self._connection.send([data])

    def _refuse(self, status: int) -> None:
        if self._machine.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._send(
                h11.Response(status_code=status, headers=[("content-length", "0"), ("connection", "close")])
            )
            self._send(h11.EndOfMessage())
        self._close()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
