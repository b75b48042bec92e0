"""The floor: the same requests through a bare socket into a file, out of a file, and straight through. Nothing that
speaks to a socket from Python can be faster, for these servers check nothing, compute nothing and keep no log.

They meet the same generators with the same requests on as many connections, one request following the other; what a
node adds to that is the node. `python -m benchmarks.floor KIND FOLDER` prints its port and serves until it is killed.
"""

from __future__ import annotations

import os
import selectors
import socket
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import frames
from benchmarks.load.payload import payloads

TOPIC = "floor"
BUFFER_BYTES = 1 << 20
COUNT, SIZE = 1000, 1000
"""The batches in the file that is read: as many records, of as many bytes."""


@dataclass
class Peer:
    """A connection, and how far its present request has come: length and API key, then the rest."""

    connection: socket.socket
    head: bytes = b""
    left_bytes: int = 0
    to_send: list[tuple[int, int]] = field(default_factory=list)


def serve(received: Callable[[Peer, memoryview], None]) -> None:
    """Hand everything that comes to `received`, for ever."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    print(listener.getsockname()[1], flush=True)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    buffer = memoryview(bytearray(BUFFER_BYTES))
    while True:
        for key, _ in selector.select():
            if key.data is None:
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(connection, selectors.EVENT_READ, Peer(connection))
                continue
            try:
                count = key.data.connection.recv_into(buffer)
            except ConnectionResetError:
                count = 0
            if count:
                received(key.data, buffer[:count])
            else:
                selector.unregister(key.data.connection)
                key.data.connection.close()


def whole_requests(peer: Peer, data: memoryview) -> int:
    """How many requests end in `data`, by their lengths alone."""
    ended = at = 0
    while at < len(data):
        if not peer.left_bytes:
            taken = data[at : at + 4 - len(peer.head)]
            peer.head += taken
            at += len(taken)
            if len(peer.head) < 4:
                break
            (peer.left_bytes,) = struct.unpack(">i", peer.head)
            peer.head = b""
        step = min(peer.left_bytes, len(data) - at)
        peer.left_bytes -= step
        at += step
        ended += not peer.left_bytes
    return ended


def into_file(folder: Path) -> None:
    """Write what comes, acknowledge each request."""
    answer = frames.produce_answer(TOPIC)
    file = os.open(folder / "floor", os.O_WRONLY | os.O_CREAT)

    def received(peer: Peer, data: memoryview) -> None:
        os.write(file, data)
        ended = whole_requests(peer, data)
        if ended:
            peer.connection.sendall(answer * ended)

    serve(received)


def out_of_file(folder: Path, batches: int) -> None:
    """Answer each fetch by sendfile from a file of batches of one size, so that an offset is a place in it."""
    template = bytearray(frames.batch(payloads(SIZE, COUNT, varied=False)))
    path = folder / "floor"
    with open(path, "wb") as out:
        for number in range(batches):
            struct.pack_into(">q", template, 0, number * COUNT)
            out.write(template)
    file, end = os.open(path, os.O_RDONLY), batches * len(template)
    offset_at = len(frames.fetch(TOPIC, 0, 0, wait_ms=0, max_bytes=0)) - 4 - 2 - 4 - 8 - 8

    def received(peer: Peer, data: memoryview) -> None:
        offset, _, max_bytes = struct.unpack_from(">qqi", data, offset_at)
        start = offset // COUNT * len(template)
        size = min(max_bytes // len(template) * len(template), end - start)
        peer.connection.sendall(frames.fetch_answer_head(TOPIC, size))
        while size:
            sent = os.sendfile(peer.connection.fileno(), file, start, size)
            start, size = start + sent, size - sent

    serve(received)


def straight_through() -> None:
    """A relay: each record goes from the request that brings it into the answer of the fetch that waits for it."""
    answer = frames.produce_answer(TOPIC)
    waiting: list[Peer] = []
    kept = bytearray()
    count = 0
    one = len(frames.batch(payloads(100, 1, varied=False)))

    def pass_on() -> None:
        if waiting and kept:
            waiting.pop().connection.sendall(frames.fetch_answer_head(TOPIC, len(kept)) + kept)
            kept.clear()

    def received(peer: Peer, data: memoryview) -> None:
        nonlocal count
        if struct.unpack_from(">h", data, 4)[0] == frames.FETCH:
            waiting.append(peer)
        else:
            size = 4 + struct.unpack_from(">i", data)[0]
            for at in range(0, len(data), size):
                kept.extend(struct.pack(">q", count) + data[at + size - one + 8 : at + size])
                count += 1
            peer.connection.sendall(answer * (len(data) // size))
        pass_on()

    serve(received)


def main() -> None:
    kind, folder = sys.argv[1], Path(sys.argv[2])
    if kind == "into-file":
        into_file(folder)
    elif kind == "out-of-file":
        out_of_file(folder, int(sys.argv[3]))
    else:
        straight_through()


if __name__ == "__main__":
    main()
