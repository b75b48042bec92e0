"""What record batches cost: microseconds per batch and records per second, best of several rounds.

    .venv/bin/python benchmarks/micro_records.py

The first table is what a broker does with a batch it need not look into, the second what clients, compacted topics
and compaction do. Figures are for reading, not for asserting.
"""

from __future__ import annotations

import random
import timeit
from collections.abc import Callable
from typing import Any

from ottla.core.log.compaction import Transactions, note_keys
from ottla.core.log.offset_map import OffsetMap
from ottla.core.records import crc
from ottla.core.records.batch import read_header
from ottla.core.records.build import build
from ottla.core.records.compression import Codec, compress, decompress
from ottla.core.records.record import Record, payload, records, walk
from ottla.core.records.rules import Rules
from ottla.core.records.stamping import stamp
from ottla.core.records.validation import check_produce, validate

NOW = 1_700_000_000_000


def microseconds(work: Callable[[], Any]) -> float:
    """Best of five rounds of about 50 ms each."""
    timer = timeit.Timer(work)
    once = timer.timeit(1)
    number = max(1, int(0.05 / max(once, 1e-7)))
    return min(timer.repeat(5, number)) / number * 1e6


def sample(count: int, size: int) -> list[Record]:
    chance = random.Random(1)
    words = [b"paid", b"open", b"shipped", b"returned"]
    return [
        Record(
            n, NOW + n, b"order-%d" % n, (b'{"id":%d,"state":"%b"}' % (n, chance.choice(words)) * size)[:size]
        )
        for n in range(count)
    ]


def enter(data: bytes, rules: Rules) -> None:
    """What a produce request costs here: checked, stamped, ready to be written."""
    view = memoryview(data)
    check_produce(view, 9)
    validated = validate(view, rules, NOW)
    stamp(validated.parts[0], validated.header, 100, 1)


def main() -> None:
    print(f"crc32c: {getattr(crc._crc32c, '__module__', None) or crc._crc32c}")
    print(f"\n{'batch':>20} {'header only':>14} {'deep':>14}   µs a batch")
    for count, size in ((1, 100), (160, 100), (16, 1000), (1000, 1000)):
        data = build(sample(count, size))
        header, deep = (
            microseconds(lambda data=data, rules=rules: enter(data, rules))
            for rules in (Rules(), Rules(deep=True))
        )
        print(f"{count:>10} x {size:>5} B {header:>14.1f} {deep:>14.1f}")

    made = sample(1000, 100)
    data = build(made)
    plain = payload(data, read_header(data))

    def keys() -> None:
        note_keys(OffsetMap(1 << 20, at_most=1000), Transactions(()), read_header(data), data, 0)

    print(f"\n{'records of 100 B':>20}   thousand a second")
    for name, work in (
        ("build", lambda: build(made)),
        ("read", lambda: sum(1 for _ in records(data))),
        ("walk", lambda: sum(1 for _ in walk(plain, 1000))),
        ("note keys", keys),
    ):
        print(f"{name:>20} {1e6 / microseconds(work):>10.0f}")

    print(f"\n{'codec, 64 KiB':>20} {'in':>10} {'out':>10}   MB/s      size")
    chunk = (plain * 2)[: 64 * 1024]
    for codec in Codec:
        packed = compress(codec, chunk)
        into = len(chunk) / microseconds(lambda codec=codec: compress(codec, chunk))
        out = len(chunk) / microseconds(lambda codec=codec, packed=packed: decompress(codec, packed))
        print(f"{codec.name.lower():>20} {into:>10.0f} {out:>10.0f} {len(packed):>16}")


if __name__ == "__main__":
    main()
