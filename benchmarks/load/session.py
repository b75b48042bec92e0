"""One consumer of very many partitions of which few are active, by a fetch session (KIP-227)."""

from __future__ import annotations

import select
import struct
import time
from typing import Any

from benchmarks import frames
from benchmarks.connection import connect, whole_answer
from benchmarks.figures import percentiles
from benchmarks.load.pace import WAIT_MS, Pace
from benchmarks.load.payload import payloads

FETCH_BYTES = 1 << 20


class Session:
    """The consumer's side: the first fetch names every partition, each later one only those that have moved."""

    def __init__(self, port: int, topic: str, partitions: int) -> None:
        self.connection = connect(port)
        self.topic = topic
        self.buffer = memoryview(bytearray(FETCH_BYTES * 4))
        self.fetches = 0
        self.connection.sendall(
            self.request(dict.fromkeys(range(partitions), 0), session=0, epoch=0, wait_ms=0)
        )
        self.id = frames.fetched_session(whole_answer(self.connection, self.buffer))
        if not self.id:
            raise RuntimeError("the node gave no fetch session")

    def request(self, moved: dict[int, int], *, session: int, epoch: int, wait_ms: int) -> bytes:
        return frames.fetch_many(
            self.topic, moved, session=session, epoch=epoch, wait_ms=wait_ms, max_bytes=FETCH_BYTES
        )

    def ask(self, moved: dict[int, int]) -> None:
        self.fetches += 1
        self.connection.sendall(self.request(moved, session=self.id, epoch=self.fetches, wait_ms=WAIT_MS))

    def take(self) -> list[tuple[int, int, int]]:
        """(partition, first offset, next offset) of every batch in the answer that is ready."""
        answer = whole_answer(self.connection, self.buffer)
        return [
            (partition, base, after)
            for partition, records in frames.fetched_many(answer, self.topic)
            for base, _, after in frames.batches(records)
        ]


def sparse(
    port: int, topic: str, partitions: int, active: int, rate: int, seconds: float
) -> dict[str, float]:
    """`rate` records a second over `active` of `partitions` partitions, end to end; and how many fetches it took.
    The active partitions must be empty: times are taken by offset."""
    session = Session(port, topic, partitions)
    producing = connect(port)
    records = frames.batch(payloads(100, 1, varied=False))
    chosen = range(0, partitions, partitions // active)
    requests = [(partition, frames.produce(topic, partition, records)) for partition in chosen]
    sent_at: dict[int, list[float]] = {partition: [] for partition in chosen}
    pace = Pace(rate, seconds)
    total = pace.left
    waits: list[float] = []
    sent = 0
    session.ask({})
    while len(waits) < total:
        now = time.perf_counter()
        while pace.is_due(now):
            partition, request = requests[sent % len(requests)]
            sent_at[partition].append(time.perf_counter())
            producing.sendall(request)
            sent += 1
            now = time.perf_counter()
        readable, _, _ = select.select([producing, session.connection], [], [], pace.patience(now))
        if producing in readable and not producing.recv(65536):
            raise RuntimeError("the node hung up")
        if session.connection in readable:
            moved = session.take()
            now = time.perf_counter()
            for partition, base, after in moved:
                waits += [now - at for at in sent_at[partition][base:after]]
            session.ask({partition: after for partition, _, after in moved})
    return {**percentiles(waits[pace.uncounted :]), "fetches": session.fetches}


def metadata(port: int, requests: int) -> dict[str, float]:
    """Seconds a Metadata request for everything takes, the median of `requests`."""
    connection = connect(port)
    buffer = memoryview(bytearray(16 << 20))
    request = frames.all_metadata()
    waits = []
    for _ in range(requests):
        began = time.perf_counter()
        connection.sendall(request)
        answer = whole_answer(connection, buffer)
        waits.append(time.perf_counter() - began)
    (size,) = struct.unpack_from(">i", answer)
    return {**percentiles(waits), "answer_bytes": size}


WAYS: dict[str, Any] = {"sparse": sparse, "metadata": metadata}
