"""Load through bare sockets: prebuilt produce requests, a fetch loop that discards, end-to-end latency.

`python -m benchmarks.load_raw '{"what": …}'` prints what it measured as JSON. It runs as a process of its own, so that
it costs the measured node nothing but its share of the machine.
"""

from __future__ import annotations

import json
import selectors
import socket
import struct
import sys
import time
from dataclasses import dataclass
from typing import Any

import google_crc32c

from benchmarks import frames

BUFFER_BYTES = 64 << 20


def connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


@dataclass
class Lane:
    """One connection and what has come of the next answer."""

    connection: socket.socket
    waiting: bytes = b""


def produce(
    port: int, topic: str, partitions: int, size: int, count: int, requests: int, lanes: int, depth: int
) -> dict[str, float]:
    """`requests` requests of one batch of `count` records of `size` bytes, `depth` of them under way on each lane."""
    answer_bytes = frames.produce_answer_bytes(topic)
    selector = selectors.DefaultSelector()
    records = frames.batch(bytes(i % 251 for i in range(size)), count)
    sent = done = 0
    began = time.perf_counter()
    requests_of = []
    for number in range(lanes):
        lane = Lane(connect(port))
        request = frames.produce(topic, number % partitions, records)
        requests_of.append(request)
        selector.register(lane.connection, selectors.EVENT_READ, (lane, request))
    for key in selector.get_map().values():
        lane, request = key.data
        lane.connection.sendall(request * depth)
        sent += depth
    while done < requests:
        for key, _ in selector.select():
            lane, request = key.data
            got = lane.waiting + lane.connection.recv(65536)
            answers, rest = divmod(len(got), answer_bytes)
            if not got or (answers and frames.produce_error(got, topic)):
                raise RuntimeError(f"produce answered {got[:answer_bytes]!r}")
            lane.waiting = got[len(got) - rest :] if rest else b""
            done += answers
            more = min(answers, max(requests - sent, 0))
            if more:
                lane.connection.sendall(request * more)
                sent += more
    seconds = time.perf_counter() - began
    return {"records": done * count, "requests": done, "bytes": done * count * size, "seconds": seconds}


def whole_answer(connection: socket.socket, buffer: memoryview) -> memoryview:
    """Read one answer into `buffer`; its length field included."""
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


def consume(port: int, topic: str, records: int) -> dict[str, float]:
    """Fetch one partition from its start until `records` have come; look at nothing but the batch headers."""
    connection = connect(port)
    buffer = memoryview(bytearray(BUFFER_BYTES))
    offset = volume = 0
    began = time.perf_counter()
    while offset < records:
        connection.sendall(frames.fetch(topic, 0, offset, wait_ms=500, max_bytes=8 << 20))
        for _, size, after in frames.batches(frames.fetched(whole_answer(connection, buffer), topic)):
            volume += size
            offset = after
    return {"records": offset, "bytes": volume, "seconds": time.perf_counter() - began}


def latency(port: int, topic: str, rate: int, seconds: float) -> dict[str, float]:
    """From before a record is sent until the consumer has read it: `rate` records a second, one a request."""
    producing, consuming = connect(port), connect(port)
    buffer = memoryview(bytearray(1 << 20))
    template = bytearray(frames.produce(topic, 0, frames.batch(bytes(100)), acks=1))
    stamp = len(template) - 1 - 8
    crc_at = len(template) - len(frames.batch(bytes(100))) + 17
    selector = selectors.DefaultSelector()
    selector.register(producing, selectors.EVENT_READ)
    selector.register(consuming, selectors.EVENT_READ)
    waits: list[int] = []
    offset = 0
    consuming.sendall(frames.fetch(topic, 0, offset, wait_ms=5000, max_bytes=1 << 20))
    total = int(rate * seconds)
    sent = 0
    due = time.perf_counter()
    while len(waits) < total:
        now = time.perf_counter()
        if sent < total and now >= due:
            struct.pack_into(">q", template, stamp, time.perf_counter_ns())
            struct.pack_into(">I", template, crc_at, google_crc32c.value(bytes(template[crc_at + 4 :])))
            producing.sendall(template)
            sent += 1
            due += 1 / rate
        for key, _ in selector.select(max(0.0, due - time.perf_counter()) if sent < total else 5):
            if key.fileobj is producing:
                producing.recv(65536)
                continue
            records = frames.fetched(whole_answer(consuming, buffer), topic)
            now_ns = time.perf_counter_ns()
            for position, size, after in frames.batches(records):
                waits.append(now_ns - struct.unpack_from(">q", records, position + size - 9)[0])
                offset = after
            consuming.sendall(frames.fetch(topic, 0, offset, wait_ms=5000, max_bytes=1 << 20))
    # The first half second is the node waking up.
    waits = sorted(waits[rate // 2 :])
    return {f"p{name}": waits[int(len(waits) * share)] / 1e6 for name, share in (("50", 0.5), ("99", 0.99))}


def main() -> None:
    asked: dict[str, Any] = json.loads(sys.argv[1])
    what = {"produce": produce, "consume": consume, "latency": latency}[asked.pop("what")]
    before = time.process_time()
    measured = what(**asked)
    print(json.dumps({**measured, "generator_cpu": time.process_time() - before}))


if __name__ == "__main__":
    main()
