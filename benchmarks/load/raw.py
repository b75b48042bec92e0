"""Load through bare sockets: prebuilt produce requests on many lanes, and a fetch loop that discards."""

from __future__ import annotations

import selectors
import socket
import time
from dataclasses import dataclass
from typing import Any

from benchmarks import frames
from benchmarks.connection import connect, whole_answer
from benchmarks.load.payload import keys, payloads

FETCH_BYTES = 8 << 20
TRAIN_BYTES = 64 << 10
"""Small requests go out many a call, up to this much."""


@dataclass
class Lane:
    """One connection. Its stream to the node is the same request again and again, so what is to be sent is a place in
    that stream and a length: nothing is copied, and a lane whose socket is full holds up no other."""

    connection: socket.socket
    stream: memoryview
    request_bytes: int
    owed_bytes: int = 0
    place: int = 0
    answers: bytes = b""
    full: bool = False

    def send(self) -> None:
        """As much of what is owed as the socket takes."""
        self.full = False
        while self.owed_bytes:
            try:
                sent = self.connection.send(self.stream[self.place : self.place + self.owed_bytes])
            except BlockingIOError:
                self.full = True
                return
            self.owed_bytes -= sent
            self.place = (self.place + sent) % self.request_bytes


def produce(
    port: int,
    topic: str,
    size: int,
    count: int,
    requests: int,
    *,
    partitions: int = 1,
    lanes: int = 1,
    depth: int = 1,
    compression: str = "none",
    key_count: int = 0,
) -> dict[str, float]:
    """`requests` requests of one batch of `count` records of `size` bytes, `depth` of them under way on each lane."""
    values = payloads(size, count, varied=compression != "none")
    records = frames.batch(values, compression=compression, keys=keys(count, key_count))
    opened = []
    for number in range(lanes):
        request = frames.produce(topic, number % partitions, records)
        train = request * max(1, min(depth, TRAIN_BYTES // len(request)))
        opened.append(Lane(connect(port), memoryview(train), len(request)))
        opened[-1].connection.setblocking(False)
    seconds = run_lanes(opened, topic, requests, depth)
    return {
        "records": requests * count,
        "requests": requests,
        "bytes": requests * count * size,
        "seconds": seconds,
    }


def run_lanes(lanes: list[Lane], topic: str, requests: int, depth: int) -> float:
    """Keep `depth` requests under way on every lane until `requests` are answered; the seconds it took."""
    answer_bytes = frames.produce_answer_bytes(topic)
    selector = selectors.DefaultSelector()
    left, done = requests, 0
    began = time.perf_counter()
    for lane in lanes:
        first = min(depth, left)
        left -= first
        lane.owed_bytes = first * lane.request_bytes
        lane.send()
        selector.register(lane.connection, interest(lane), lane)
    while done < requests:
        for key, events in selector.select():
            lane = key.data
            was_full = lane.full
            if events & selectors.EVENT_READ:
                got = lane.answers + lane.connection.recv(65536)
                answers, rest = divmod(len(got), answer_bytes)
                if not got or (answers and frames.produce_error(got, topic)):
                    raise RuntimeError(f"produce answered {got[:answer_bytes]!r}")
                lane.answers = got[len(got) - rest :] if rest else b""
                done += answers
                more = min(answers, left)
                left -= more
                lane.owed_bytes += more * lane.request_bytes
            lane.send()
            if lane.full != was_full:
                selector.modify(lane.connection, interest(lane), lane)
    return time.perf_counter() - began


def interest(lane: Lane) -> int:
    return selectors.EVENT_READ | selectors.EVENT_WRITE if lane.full else selectors.EVENT_READ


def consume(port: int, topic: str, records: int) -> dict[str, float]:
    """Fetch partition 0 from its start until `records` have come; look at nothing but the batch headers."""
    connection = connect(port)
    buffer = memoryview(bytearray(FETCH_BYTES * 2))
    offset = volume = 0
    began = time.perf_counter()
    while offset < records:
        connection.sendall(frames.fetch(topic, 0, offset, wait_ms=500, max_bytes=FETCH_BYTES))
        for _, size, after in frames.batches(frames.fetched(whole_answer(connection, buffer), topic)):
            volume += size
            offset = after
    return {"records": offset, "bytes": volume, "began": began, "seconds": time.perf_counter() - began}


WAYS: dict[str, Any] = {"raw-produce": produce, "raw-consume": consume}
