"""Our own commands, and with them our client, on a broker that has a bad day."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from ottla.testing import Broker

SECONDS = 30


@pytest.fixture(scope="module")
def running() -> Iterator[Broker]:
    with Broker() as broker:
        yield broker


@pytest.fixture
def broker(running: Broker) -> Broker:
    running.reset()
    running.create_topic("orders")
    return running


def ottla(broker: Broker, *args: str, stdin: str = "", code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ottla", *args, "-b", broker.bootstrap_servers]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == code, done.stderr
    return done


def consumed(broker: Broker, count: int) -> list[str]:
    return ottla(broker, "consume", "orders", "--offset", "start", "-n", str(count)).stdout.split()


@pytest.mark.parametrize("error", ["NOT_LEADER_OR_FOLLOWER", "NOT_ENOUGH_REPLICAS", "REQUEST_TIMED_OUT"])
@pytest.mark.parametrize("executed", [False, True], ids=["refused", "answer lost"])
def test_a_record_is_written_once_whatever_the_broker_says_first(
    broker: Broker, error: str, executed: bool
) -> None:
    with broker.faults.fail("PRODUCE", error=error, times=2, executed=executed) as fault:
        ottla(broker, "produce", "orders", stdin="tea\n")
        assert fault.struck == 2
    ottla(broker, "produce", "orders", stdin="end\n")
    assert consumed(broker, 2) == ["tea", "end"]


@pytest.mark.parametrize("api", ["PRODUCE", "LIST_OFFSETS", "FETCH"])
def test_a_connection_that_breaks_in_the_middle_of_an_answer(broker: Broker, api: str) -> None:
    with broker.faults.cut(api) as fault:
        ottla(broker, "produce", "orders", stdin="tea\nrice\n")
        assert consumed(broker, 2) == ["tea", "rice"]
        assert fault.struck == 1


@pytest.mark.parametrize(
    ("api", "error"),
    [
        ("METADATA", "LEADER_NOT_AVAILABLE"),
        ("LIST_OFFSETS", "NOT_LEADER_OR_FOLLOWER"),
        ("FETCH", "NOT_LEADER_OR_FOLLOWER"),
    ],
)
def test_errors_that_pass(broker: Broker, api: str, error: str) -> None:
    ottla(broker, "produce", "orders", stdin="tea\n")
    with broker.faults.fail(api, error=error, times=1) as fault:
        assert consumed(broker, 1) == ["tea"]
        assert fault.struck == 1


def test_a_partition_without_a_leader_is_waited_for(broker: Broker) -> None:
    broker.faults.leaderless("orders", lasting_ms=500)
    ottla(broker, "produce", "orders", stdin="tea\n")
    assert consumed(broker, 1) == ["tea"]


def test_errors_that_stay_are_told(broker: Broker) -> None:
    with broker.faults.fail("PRODUCE", error="TOPIC_AUTHORIZATION_FAILED"):
        done = ottla(broker, "produce", "orders", stdin="tea\n", code=4)
    assert "TOPIC_AUTHORIZATION_FAILED" in done.stderr
    with broker.faults.fail("CREATE_TOPICS", error="POLICY_VIOLATION"):
        done = ottla(broker, "topic", "create", "other", code=1)
    assert "POLICY_VIOLATION" in done.stderr
