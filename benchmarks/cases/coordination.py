"""Groups and transactions: what commits, transactions and rebalances cost, and many groups."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable

from benchmarks import frames
from benchmarks.bench import Bench, create_topic
from benchmarks.cases.recovery import need_room
from benchmarks.connection import connect, whole_answer
from benchmarks.figures import Figure, Values, rated
from benchmarks.process import memory_mb
from benchmarks.stage import Case, Stage

THEME = "Groups and transactions"
COMMITS, TRANSACTIONS = 10_000, 2_000
SHARED, SHARED_BYTES, SHARED_BATCH = 400_000, 1000, 500
MEMBERS, ROUNDS = 100, 5
GROUPS, PARTITIONS = 10_000, 10
LOG_GIGABYTES = 1
SETTLING_SECONDS = 1
UNHURRIED = {"group.initial.rebalance.delay.ms": "1000"}
"""A group waits for its first members: they all come in this time."""
UNTIMED = {"group.consumer.assignment.interval.ms": "0"}
"""Nothing is waited for between two assignments: what is measured is work."""
UNCOMPACTED = {"offsets.topic.num.partitions": "1", "log.cleaner.enable": "false"}
KEYS = 50_000
BATCH_RECORDS = 5_000
ADMIN_CLIENT = "__admin_client"
"""Whose records Kafka takes into its own topics."""
OFFSETS = "__consumer_offsets"


def commits(stage: Stage, clients: int) -> Values:
    bench = stage.bench()
    with bench.topic() as topic:
        asked = {"topic": topic, "clients": clients}
        bench.load("commits", requests=bench.count(COMMITS) // 4, **asked)
        made = bench.load("commits", requests=bench.count(COMMITS), **asked)
    return rated(f"commits_{clients}", made["requests"], made)


def transactions(stage: Stage, producers: int) -> Values:
    bench = stage.bench()
    with bench.topic() as topic:
        asked = {"topic": topic, "producers": producers}
        bench.load("transactions", count=bench.count(TRANSACTIONS) // 4, **asked)
        made = bench.load("transactions", count=bench.count(TRANSACTIONS), **asked)
    return rated(f"transactions_{producers}", made["transactions"], made)


def share(stage: Stage, members: int) -> Values:
    bench = stage.bench()
    with bench.topic() as topic:
        filled = bench.load(
            "raw-produce",
            topic=topic,
            size=SHARED_BYTES,
            count=SHARED_BATCH,
            requests=bench.count(SHARED) // SHARED_BATCH,
        )
        records = int(filled["records"])
        made = bench.load("share", topic=topic, group=f"share-{topic}", records=records, members=members)
    return rated(f"share_{members}", made["records"], made)


def classic_rebalance(stage: Stage) -> Values:
    with stage.own(UNHURRIED) as bench:
        stage.start(bench.node)
        made = bench.load("classic-rebalance", members=MEMBERS, rounds=ROUNDS)
    return {"rebalance_classic": made["rebalance"]}


def consumer_rebalance(stage: Stage) -> Values:
    with stage.own(UNTIMED) as bench:
        stage.start(bench.node)
        create_topic(bench.port, "shared", MEMBERS, {})
        made = bench.load("consumer-rebalance", topic="shared", members=MEMBERS)
    return {"rebalance_consumer": made["rebalance"]}


def many_groups(stage: Stage) -> Values:
    with stage.own() as bench:
        stage.start(bench.node)
        create_topic(bench.port, "many", PARTITIONS, {})
        time.sleep(SETTLING_SECONDS)
        before = memory_mb(bench.pid)
        bench.load("many-groups", topic="many", groups=bench.count(GROUPS), partitions=PARTITIONS)
        time.sleep(SETTLING_SECONDS)
        return {"groups_memory": memory_mb(bench.pid), "groups_growth": memory_mb(bench.pid) - before}


# -- loading


def loading(stage: Stage) -> Values:
    """A node whose offsets topic holds a gigabyte starts: until a group is told its offset."""
    wanted = int(LOG_GIGABYTES * 1e9 * stage.scale)
    need_room(stage.directory, wanted)
    with stage.own(UNCOMPACTED) as bench:
        stage.start(bench.node)
        bench.load("many-groups", topic="first", groups=1, partitions=1)
        empty = restarted(bench)
        fill(bench, wanted)
        return {"loading": restarted(bench) - empty, "loading_memory": memory_mb(bench.pid)}


def restarted(bench: Bench) -> float:
    """Seconds from the start of the process to an answered OffsetFetch."""
    bench.node.stop()
    began = time.perf_counter()
    bench.node.start(poll_seconds=0.005)
    asked = frames.frame(9, 5, frames.text("many-0") + struct.pack(">i", -1))
    while True:
        try:
            with connect(bench.port) as connection:
                connection.sendall(asked)
                answer = whole_answer(connection, memoryview(bytearray(1 << 20)))
                if answer[-2:] == b"\0\0":
                    return time.perf_counter() - began
        except OSError:
            pass  # a node that starts may refuse to be connected to
        time.sleep(0.005)


def fill(bench: Bench, volume: int) -> None:
    """Offsets of many groups into the offsets topic, as its coordinator writes them; over and over the same keys."""
    batches = [offsets_batch(start) for start in range(0, KEYS, BATCH_RECORDS)]
    requests = [as_administrator(frames.produce(OFFSETS, 0, batch)) for batch in batches]
    written = 0
    with connect(bench.port) as connection:
        buffer = memoryview(bytearray(1 << 16))
        while written < volume:
            for request in requests:
                connection.sendall(request)
                error = frames.produce_error(bytes(whole_answer(connection, buffer)), OFFSETS)
                if error:
                    raise RuntimeError(f"the offsets topic takes nothing: {error}")
                written += len(request)


def offsets_batch(start: int) -> bytes:
    """Committed offsets of so many groups: keys and values in Kafka's formats (versions 1 and 3)."""
    keys, values = [], []
    for number in range(start, start + BATCH_RECORDS):
        keys.append(
            struct.pack(">h", 1)
            + frames.text(f"bench-{number}")
            + frames.text("orders")
            + struct.pack(">i", 0)
        )
        values.append(
            struct.pack(">hqi", 3, number, -1)
            + frames.text("x" * 60)
            + struct.pack(">q", int(time.time() * 1000))
        )
    return frames.batch(values, keys=keys)


def as_administrator(request: bytes) -> bytes:
    """The same request under the name that may write to internal topics."""
    name = frames.text("benchmark")
    at = request.index(name)
    whole = request[4:at] + frames.text(ADMIN_CLIENT) + request[at + len(name) :]
    return struct.pack(">i", len(whole)) + whole


def row(
    kind: str, workers: int, title: str, unit: str, run: Callable[[Stage, int], Values], seconds: float
) -> Case:
    """A row of so many workers: how much they get done in a second, and what one piece of it costs the node."""
    name = f"{kind}_{workers}"
    title += "s" * (workers > 1)
    figures = (Figure(name, title, f"{unit}s/s", 1.5), Figure(f"{name}_cpu", "· node CPU", f"µs/{unit}"))
    return Case(f"{kind}-{workers}", THEME, figures, lambda stage: run(stage, workers), seconds=seconds)


CASES = (
    *(row("commits", each, f"offset commits, {each} client", "commit", commits, 6) for each in (1, 8)),
    *(
        row(
            "transactions",
            each,
            f"transactions of one record, {each} producer",
            "transaction",
            transactions,
            8,
        )
        for each in (1, 20)
    ),
    *(
        row("share", each, f"a share group accepts 1 kB records, {each} member", "record", share, 10)
        for each in (1, 8)
    ),
)
OWN = (
    Case(
        "rebalance-consumer",
        THEME,
        (Figure("rebalance_consumer", "100 members by KIP-848 come to share", "ms", 0.67, less=True),),
        consumer_rebalance,
        seconds=8,
    ),
    Case(
        "rebalance-classic",
        THEME,
        (Figure("rebalance_classic", "100 members of a classic group join anew", "ms", 0.67, less=True),),
        classic_rebalance,
        seconds=8,
    ),
    Case(
        "groups",
        THEME,
        (
            Figure("groups_memory", "memory with 10,000 groups of 10 offsets each", "MB", 0.67, less=True),
            Figure("groups_growth", "· more than without", "MB"),
        ),
        many_groups,
        seconds=15,
        once=True,
    ),
    Case(
        "loading",
        THEME,
        (
            Figure("loading", "loading 1 GB of committed offsets", "s", 0.67, less=True),
            Figure("loading_memory", "· memory afterwards", "MB"),
        ),
        loading,
        seconds=40,
        once=True,
    ),
)
"""These have nodes of their own."""
