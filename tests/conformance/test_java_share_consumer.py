"""Kafka's own share consumer (`KafkaShareConsumer`, `tests/java/Sharing.java`) and the tools that are built on it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.apache_kafka import tool
from tests.conformance.broker import Broker
from tests.conformance.test_share_consumers import fill, share_group, shared
from tests.java_tools import checked

__all__ = ["shared"]

SOURCE = Path(__file__).parents[1] / "java" / "Sharing.java"
CHECKS = (
    "commit-callback",
    "explicit",
    "implicit",
    "lock-timeout",
    "record-limit",
    "renew",
    "two-members",
    "wakes-for-new-records",
)
CONSOLE = "org.apache.kafka.tools.consumer.ConsoleShareConsumer"
VERIFIABLE = "org.apache.kafka.tools.VerifiableShareConsumer"

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def verdicts(shared: Broker) -> dict[str, str]:
    return checked(SOURCE, shared.bootstrap)


@pytest.mark.parametrize("check", CHECKS)
def test_check(verdicts: dict[str, str], check: str) -> None:
    assert verdicts[check] == "ok"


def test_makes_no_check_without_a_name(verdicts: dict[str, str]) -> None:
    assert tuple(verdicts) == CHECKS


def console(broker: Broker, topic: str, group: str, *options: str) -> list[str]:
    arguments = [
        "--bootstrap-server",
        broker.bootstrap,
        "--topic",
        topic,
        "--group",
        group,
        "--timeout-ms",
        "5000",
        *options,
    ]
    return tool(CONSOLE, arguments, timeout=90).stdout.split()


def test_the_console_share_consumer_accepts_releases_and_rejects(shared: Broker) -> None:
    topic, group = shared.topic(), share_group(shared)
    fill(shared, topic, 3)
    assert console(shared, topic, group, "--release", "--max-messages", "3") == ["0", "1", "2"]
    assert console(shared, topic, group, "--max-messages", "3") == ["0", "1", "2"]
    fill(shared, topic, 2, first=10)
    assert console(shared, topic, group, "--reject", "--max-messages", "2") == ["10", "11"]
    assert console(shared, topic, group) == []


def test_the_verifiable_share_consumer_tells_of_all_it_accepted(shared: Broker) -> None:
    topic, group = shared.topic(2), share_group(shared)
    fill(shared, topic, 500, 2)
    arguments = [
        "--bootstrap-server",
        shared.bootstrap,
        "--topic",
        topic,
        "--group-id",
        group,
        "--max-messages",
        "500",
        "--acknowledgement-mode",
        "sync",
    ]
    said = [json.loads(line) for line in tool(VERIFIABLE, arguments, timeout=90).stdout.splitlines()]
    assert sum(each["count"] for each in said if each["name"] == "records_consumed") == 500
    acknowledged = [each for each in said if each["name"] == "offsets_acknowledged"]
    assert all(each["success"] for each in acknowledged)
    assert sum(each["count"] for each in acknowledged) == 500
