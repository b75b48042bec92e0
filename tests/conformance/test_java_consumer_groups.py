"""Kafka's own consumer in consumer groups (`KafkaConsumer` with `group.protocol=consumer`, `tests/java/Consumers.java`)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.broker import Broker
from tests.conformance.test_consumer_groups import quick
from tests.java_tools import checked

__all__ = ["quick"]

SOURCE = Path(__file__).parents[1] / "java" / "Consumers.java"
CHECKS = (
    "assignor",
    "crossing",
    "describing",
    "pattern",
    "pattern-refused",
    "resuming",
    "sharing",
    "static",
)

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def verdicts(quick: Broker) -> dict[str, str]:
    return checked(SOURCE, quick.bootstrap)


@pytest.mark.parametrize("check", CHECKS)
def test_check(verdicts: dict[str, str], check: str) -> None:
    assert verdicts[check] == "ok"


def test_makes_no_check_without_a_name(verdicts: dict[str, str]) -> None:
    assert tuple(verdicts) == CHECKS
