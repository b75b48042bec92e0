"""Load through librdkafka, the C library inside confluent-kafka, driven by its batch calls through ctypes.

One call hands over ten thousand records, so Python adds next to nothing and what is measured is librdkafka against
the node. `python -m benchmarks.load_librdkafka '{"what": …}'` prints JSON, as `load_raw` does.
"""

from __future__ import annotations

import ctypes
import json
import sys
import time
from pathlib import Path
from typing import Any

import confluent_kafka

PRODUCER, CONSUMER = 0, 1
BEGINNING = -2
CHUNK = 10_000
VOID = ctypes.c_void_p


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


def library(kind: Any) -> Any:
    """librdkafka as shipped with confluent-kafka."""
    folder = Path(confluent_kafka.__file__).parent.parent / "confluent_kafka.libs"
    lib = kind(str(next(folder.glob("librdkafka*"))))
    lib.rd_kafka_conf_new.restype = VOID
    lib.rd_kafka_conf_set.argtypes = [
        VOID,
        ctypes.c_char_p,
        ctypes.c_char_p,
        ctypes.c_char_p,
        ctypes.c_size_t,
    ]
    lib.rd_kafka_new.argtypes = [ctypes.c_int, VOID, ctypes.c_char_p, ctypes.c_size_t]
    lib.rd_kafka_new.restype = VOID
    lib.rd_kafka_topic_new.argtypes = [VOID, ctypes.c_char_p, VOID]
    lib.rd_kafka_topic_new.restype = VOID
    lib.rd_kafka_produce_batch.argtypes = [
        VOID,
        ctypes.c_int32,
        ctypes.c_int,
        ctypes.POINTER(Message),
        ctypes.c_int,
    ]
    lib.rd_kafka_flush.argtypes = [VOID, ctypes.c_int]
    lib.rd_kafka_poll.argtypes = [VOID, ctypes.c_int]
    lib.rd_kafka_outq_len.argtypes = [VOID]
    lib.rd_kafka_consume_start.argtypes = [VOID, ctypes.c_int32, ctypes.c_int64]
    lib.rd_kafka_consume_batch.argtypes = [
        VOID,
        ctypes.c_int32,
        ctypes.c_int,
        ctypes.POINTER(VOID),
        ctypes.c_size_t,
    ]
    lib.rd_kafka_consume_batch.restype = ctypes.c_ssize_t
    lib.rd_kafka_message_destroy.argtypes = [VOID]
    lib.rd_kafka_message_destroy.restype = None
    return lib


def client(lib: Any, kind: int, settings: dict[str, str], topic: str) -> tuple[Any, Any]:
    """A handle and a topic of it."""
    reason = ctypes.create_string_buffer(512)
    conf = lib.rd_kafka_conf_new()
    for key, value in settings.items():
        if lib.rd_kafka_conf_set(conf, key.encode(), value.encode(), reason, len(reason)):
            raise RuntimeError(reason.value.decode())
    handle = lib.rd_kafka_new(kind, conf, reason, len(reason))
    if not handle:
        raise RuntimeError(reason.value.decode())
    return handle, lib.rd_kafka_topic_new(handle, topic.encode(), None)


def produce(port: int, topic: str, records: int, size: int, settings: dict[str, str]) -> dict[str, float]:
    """`records` records of `size` bytes to partition 0, until all are acknowledged."""
    lib = library(ctypes.CDLL)
    base = {"bootstrap.servers": f"127.0.0.1:{port}", "queue.buffering.max.messages": "300000"}
    handle, where = client(lib, PRODUCER, {**base, **settings}, topic)
    payload = ctypes.create_string_buffer(bytes(i % 251 for i in range(size)), size)
    chunk = (Message * CHUNK)()
    for each in chunk:
        each.payload = ctypes.addressof(payload)
        each.len = size
    sent = 0
    began = time.perf_counter()
    while sent < records:
        # Never its blocking mode: that waits for room with the topic locked, and metadata that is late never gets in.
        taken = lib.rd_kafka_produce_batch(where, 0, 0, chunk, min(CHUNK, records - sent))
        sent += taken
        if taken < CHUNK:
            lib.rd_kafka_poll(handle, 1)
    while lib.rd_kafka_outq_len(handle):
        lib.rd_kafka_flush(handle, 60_000)
    return {"records": sent, "bytes": sent * size, "seconds": time.perf_counter() - began}


def consume(port: int, topic: str, records: int) -> dict[str, float]:
    """Every record of partition 0 from its start, handed over as librdkafka's messages; timed from the first one."""
    lib, quick = library(ctypes.CDLL), library(ctypes.PyDLL)
    settings = {
        "bootstrap.servers": f"127.0.0.1:{port}",
        "fetch.message.max.bytes": "8388608",
        "queued.min.messages": "500000",
        "queued.max.messages.kbytes": "500000",
    }
    _, where = client(lib, CONSUMER, settings, topic)
    if lib.rd_kafka_consume_start(where, 0, BEGINNING):
        raise RuntimeError("consuming could not start")
    messages = (VOID * CHUNK)()
    first = lib.rd_kafka_consume_batch(where, 0, 30_000, messages, 1)
    if first != 1:
        raise RuntimeError("nothing came")
    quick.rd_kafka_message_destroy(messages[0])
    seen = 1
    began = time.perf_counter()
    while seen < records:
        count = lib.rd_kafka_consume_batch(where, 0, 1000, messages, min(CHUNK, records - seen))
        for message in messages[:count]:
            quick.rd_kafka_message_destroy(message)
        seen += count
    return {"records": seen, "seconds": time.perf_counter() - began}


def main() -> None:
    asked: dict[str, Any] = json.loads(sys.argv[1])
    what = {"produce": produce, "consume": consume}[asked.pop("what")]
    before = time.process_time()
    measured = what(**asked)
    print(json.dumps({**measured, "generator_cpu": time.process_time() - before}), flush=True)


if __name__ == "__main__":
    main()
