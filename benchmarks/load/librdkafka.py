"""Load through librdkafka, the C library inside confluent-kafka, driven by its batch calls through ctypes.

Ten thousand records go in a call and come out through a callback that is C itself, so Python adds next to nothing and
what is measured is librdkafka against the node.
"""

from __future__ import annotations

import ctypes
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import confluent_kafka

from benchmarks.load.payload import payloads

PRODUCER, CONSUMER = 0, 1
BEGINNING = -2
CHUNK = 10_000
QUEUED_RECORDS = 300_000
IDLE_SECONDS_MAX = 30
VOID = ctypes.c_void_p
TEXT = ctypes.c_char_p


class Message(ctypes.Structure):
    """`rd_kafka_message_t`."""

    _fields_ = (
        ("err", ctypes.c_int),
        ("topic", VOID),
        ("partition", ctypes.c_int32),
        ("payload", VOID),
        ("len", ctypes.c_size_t),
        ("key", VOID),
        ("key_len", ctypes.c_size_t),
        ("offset", ctypes.c_int64),
        ("private", VOID),
    )


SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "rd_kafka_conf_new": (VOID, []),
    "rd_kafka_conf_set": (ctypes.c_int, [VOID, TEXT, TEXT, TEXT, ctypes.c_size_t]),
    "rd_kafka_new": (VOID, [ctypes.c_int, VOID, TEXT, ctypes.c_size_t]),
    "rd_kafka_topic_new": (VOID, [VOID, TEXT, VOID]),
    "rd_kafka_produce_batch": (
        ctypes.c_int,
        [VOID, ctypes.c_int32, ctypes.c_int, ctypes.POINTER(Message), ctypes.c_int],
    ),
    "rd_kafka_flush": (ctypes.c_int, [VOID, ctypes.c_int]),
    "rd_kafka_poll": (ctypes.c_int, [VOID, ctypes.c_int]),
    "rd_kafka_outq_len": (ctypes.c_int, [VOID]),
    "rd_kafka_queue_new": (VOID, [VOID]),
    "rd_kafka_consume_start_queue": (ctypes.c_int, [VOID, ctypes.c_int32, ctypes.c_int64, VOID]),
    "rd_kafka_consume_batch_queue": (
        ctypes.c_ssize_t,
        [VOID, ctypes.c_int, ctypes.POINTER(VOID), ctypes.c_size_t],
    ),
    "rd_kafka_consume_callback_queue": (ctypes.c_int, [VOID, ctypes.c_int, VOID, VOID]),
    "rd_kafka_message_destroy": (None, [VOID]),
}


def library() -> Any:
    """librdkafka as shipped with confluent-kafka. Its calls let other Python threads run."""
    folder = Path(confluent_kafka.__file__).parent.parent / "confluent_kafka.libs"
    lib = ctypes.CDLL(str(next(folder.glob("librdkafka*"))))
    for name, (result, arguments) in SIGNATURES.items():
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


@dataclass
class Client:
    """A handle with connections and threads of its own, and a topic of it."""

    lib: Any
    handle: Any
    topic: Any

    @classmethod
    def new(cls, lib: Any, kind: int, topic: str, settings: dict[str, str]) -> Client:
        reason = ctypes.create_string_buffer(512)
        conf = lib.rd_kafka_conf_new()
        for key, value in settings.items():
            if lib.rd_kafka_conf_set(conf, key.encode(), value.encode(), reason, len(reason)):
                raise RuntimeError(reason.value.decode())
        handle = lib.rd_kafka_new(kind, conf, reason, len(reason))
        if not handle:
            raise RuntimeError(reason.value.decode())
        return cls(lib, handle, lib.rd_kafka_topic_new(handle, topic.encode(), None))


def chunk_of(size: int, *, varied: bool) -> tuple[Any, Any]:
    """Ten thousand messages, and the memory they point into: librdkafka neither copies nor frees it, so it has to live
    as long as they do."""
    values = payloads(size, CHUNK if varied else 1, varied=varied)
    memory = ctypes.create_string_buffer(b"".join(values), size * len(values))
    start = ctypes.addressof(memory)
    chunk = (Message * CHUNK)()
    for number, message in enumerate(chunk):
        message.payload = start + number % len(values) * size
        message.len = size
    return chunk, memory


def produce(
    port: int,
    topic: str,
    records: int,
    size: int,
    settings: dict[str, str],
    *,
    partitions: int = 1,
    clients: int = 1,
    feeders: int = 1,
) -> dict[str, float]:
    """`records` records of `size` bytes until all are acknowledged; one before them opens each connection. `feeders` threads hand them to `clients` clients;
    a chunk goes to one partition, the next chunk to the next."""
    lib = library()
    base = {
        "bootstrap.servers": f"127.0.0.1:{port}",
        "queue.buffering.max.messages": str(max(CHUNK, QUEUED_RECORDS // clients)),
    }
    opened = [Client.new(lib, PRODUCER, topic, {**base, **settings}) for _ in range(clients)]
    chunk, _memory = chunk_of(size, varied=settings.get("compression.type", "none") != "none")
    for client in opened:
        lib.rd_kafka_produce_batch(client.topic, 0, 0, chunk, 1)
    flush(opened)
    began = time.perf_counter()
    threads = [
        threading.Thread(
            target=feed, args=(opened[number::feeders], chunk, records // feeders, number, partitions)
        )
        for number in range(feeders)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    flush(opened)
    seconds = time.perf_counter() - began
    sent = records // feeders * feeders
    return {"records": sent, "bytes": sent * size, "seconds": seconds}


def flush(clients: list[Client]) -> None:
    """Until everything is acknowledged."""
    for client in clients:
        while client.lib.rd_kafka_outq_len(client.handle):
            client.lib.rd_kafka_flush(client.handle, 60_000)


def feed(clients: list[Client], chunk: Any, records: int, partition: int, partitions: int) -> None:
    """Hand over `records` records, turn by turn; a client that is full is passed over."""
    sent = turn = refused = 0
    while sent < records:
        client = clients[turn % len(clients)]
        turn += 1
        # Never its blocking mode: that waits for room with the topic locked, and metadata that is late never gets in.
        taken = client.lib.rd_kafka_produce_batch(
            client.topic, partition % partitions, 0, chunk, min(CHUNK, records - sent)
        )
        sent += taken
        partition += 1
        refused = 0 if taken else refused + 1
        if refused >= len(clients):
            client.lib.rd_kafka_poll(client.handle, 1)
            refused = 0


def consume(
    port: int, topic: str, records: int, settings: dict[str, str], *, partitions: int = 1, clients: int = 1
) -> dict[str, float]:
    """`records` records from the start, shared by `clients` clients, handed over as librdkafka's messages; timed from
    when the first ones are there. More clients than partitions: several read the same records."""
    lib = library()
    base = {"bootstrap.servers": f"127.0.0.1:{port}"}
    readers = [
        Reader(Client.new(lib, CONSUMER, topic, {**base, **settings}), records // clients)
        for _ in range(clients)
    ]
    for number, reader in enumerate(readers):
        reader.start(
            [number % partitions] if clients >= partitions else list(range(partitions))[number::clients]
        )
    threads = [threading.Thread(target=reader.read) for reader in readers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if any(reader.seen < reader.wanted for reader in readers):
        raise RuntimeError(f"of {records} records {sum(reader.seen for reader in readers)} came")
    seconds = max(reader.ended for reader in readers) - min(reader.began for reader in readers)
    return {"records": sum(reader.seen for reader in readers), "seconds": seconds}


@dataclass
class Reader:
    """One client that counts records."""

    client: Client
    wanted: int
    queue: Any = None
    seen: int = 0
    began: float = 0.0
    """When the first record was there: before that librdkafka looks for the partition's leader, half a second often."""
    ended: float = 0.0

    def start(self, partitions: list[int]) -> None:
        self.queue = self.client.lib.rd_kafka_queue_new(self.client.handle)
        for partition in partitions:
            if self.client.lib.rd_kafka_consume_start_queue(
                self.client.topic, partition, BEGINNING, self.queue
            ):
                raise RuntimeError("consuming could not start")

    def read(self) -> None:
        """The callback has to be C, or Python would be the limit: labs(3) takes the message's address for a number,
        reads nothing and ignores the second argument. librdkafka frees the message when the callback is back."""
        lib, nothing = self.client.lib, ctypes.cast(ctypes.CDLL(None).labs, VOID)
        message = VOID()
        if (
            lib.rd_kafka_consume_batch_queue(self.queue, IDLE_SECONDS_MAX * 1000, ctypes.byref(message), 1)
            != 1
        ):
            return
        lib.rd_kafka_message_destroy(message)
        self.seen, self.began = 1, time.perf_counter()
        idle_since = time.monotonic()
        while self.seen < self.wanted and time.monotonic() - idle_since < IDLE_SECONDS_MAX:
            count = lib.rd_kafka_consume_callback_queue(self.queue, 1000, nothing, None)
            if count > 0:
                self.seen += count
                idle_since = time.monotonic()
        self.ended = time.perf_counter()


WAYS: dict[str, Any] = {"librdkafka-produce": produce, "librdkafka-consume": consume}
