"""A blocking connection to a node on loopback, and whole answers from it."""

from __future__ import annotations

import socket
import struct

PATIENCE_SECONDS = 60


def connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def whole_answer(connection: socket.socket, buffer: memoryview) -> memoryview:
    """Read one answer into `buffer`; its length field included. Raises RuntimeError when the node hangs up."""
    filled = 0
    size = 4
    while filled < size:
        count = connection.recv_into(buffer[filled:])
        if not count:
            raise RuntimeError("the node hung up")
        filled += count
        if filled >= 4:
            size = 4 + struct.unpack_from(">i", buffer)[0]
    return buffer[:size]


def ask(port: int, request: bytes, answer_bytes_max: int = 1 << 20) -> memoryview:
    """The answer to one request on a connection of its own."""
    with connect(port) as connection:
        connection.sendall(request)
        return whole_answer(connection, memoryview(bytearray(answer_bytes_max)))
