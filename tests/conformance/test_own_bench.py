"""`ottla bench` on whichever broker runs: what it counts is what it did, and it leaves nothing behind."""

from __future__ import annotations

import json
from typing import Any

from tests.conformance.broker import Broker
from tests.conformance.test_own_commands import run


def measured(broker: Broker, *args: str) -> dict[str, Any]:
    (row,) = json.loads(run(broker, "bench", *args, "-o", "json").stdout)
    assert isinstance(row, dict)
    return row


def records_in(broker: Broker, topic: str) -> int:
    (found,) = json.loads(run(broker, "topic", "describe", topic, "-o", "json").stdout)
    return sum(each["end_offset"] for each in found["partitions"])


def test_what_is_written_is_read(broker: Broker, topic: str) -> None:
    wrote = measured(broker, "produce", topic, "-n", "2345", "-s", "100", "-X", "compression.type=zstd")
    assert (wrote["records"], records_in(broker, topic)) == (2345, 2345)
    assert wrote["acknowledged_p50_ms"] <= wrote["acknowledged_p99_ms"] <= wrote["acknowledged_max_ms"]
    for decode in ("--decode", "--no-decode"):
        assert measured(broker, "consume", topic, decode)["records"] == 2345
    assert measured(broker, "consume", topic, "-n", "10")["records"] >= 10


def test_a_rate_is_kept(broker: Broker, topic: str) -> None:
    wrote = measured(broker, "produce", topic, "-n", "300", "-s", "10", "-r", "1000")
    assert wrote["records"] == 300
    assert wrote["seconds"] >= 0.25
    assert wrote["acknowledged_p50_ms"] < 40, "as long as it took, not as long as nobody looked"
    assert wrote["records_a_second"] <= 1200


def test_one_at_a_time_there_and_back_in_a_topic_of_its_own(broker: Broker) -> None:
    told = measured(broker, "e2e", "-n", "20")
    assert told["records"] == 20
    assert 0 < told["end_to_end_p50_ms"] <= told["end_to_end_max_ms"]
    names = run(broker, "topic", "list", "-o", "name").stdout.decode().split()
    assert not [name for name in names if name.startswith("ottla-bench-")]


def test_what_cannot_be_is_refused(broker: Broker) -> None:
    run(broker, "bench", "produce", "no-such-topic", "-n", "1", code=3)
    run(broker, "bench", "consume", "no-such-topic", code=3)
    assert b"16" in run(broker, "bench", "e2e", "-s", "3", code=2).stderr
