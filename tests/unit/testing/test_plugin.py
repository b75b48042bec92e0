"""The pytest plug-in, in sessions of pytest of its own: warnings are errors there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PLUGIN = "ottla.testing.plugin"


def session(directory: Path, *args: str, **files: str) -> subprocess.CompletedProcess[str]:
    for name, text in files.items():
        (directory / f"{name}.py").write_text(text, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "--strict-markers", "--strict-config"]
    return subprocess.run(
        [*command, "-p", "no:cacheprovider", "-p", PLUGIN, *args],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


TESTS = """
import socket
import threading

seen = []

def test_first(ottla_broker, ottla_topic):
    assert ottla_topic.startswith("test_first-")
    assert ottla_broker.topics() == [ottla_topic]
    seen.append((ottla_broker, ottla_topic))
    ottla_broker.faults.fail("METADATA", error="UNKNOWN_SERVER_ERROR")

def test_second(ottla_topic, ottla_broker, caplog):
    (broker, topic), = seen
    assert ottla_broker is broker
    assert ottla_broker.topics() == [ottla_topic] != [topic]
    assert caplog.records == []
    assert threading.active_count() == 1
    ottla_broker.delete_topic(ottla_topic)

def test_kills(ottla_broker, ottla_topic):
    ottla_broker.kill()

def test_starts_again(ottla_broker):
    ottla_broker.start()

class Test:
    def test_of_a_class_with_ümlauts_and_a_very_long_name_{long}(self, ottla_topic, ottla_broker):
        assert ottla_topic in ottla_broker.topics()
""".replace("{long}", "x" * 250)


def test_a_broker_for_the_session_and_a_topic_for_each_test(tmp_path: Path) -> None:
    done = session(tmp_path, test_it=TESTS)
    assert "5 passed" in done.stdout, done.stdout + done.stderr
    assert "warning" not in done.stdout
    assert done.stderr == ""


def test_the_broker_can_be_ones_own(tmp_path: Path) -> None:
    own = """
import pytest
from ottla.testing import Broker

pytest_plugins = ["ottla.testing.plugin"]

@pytest.fixture(scope="session")
def ottla_broker():
    with Broker({"num.partitions": "3"}) as broker:
        yield broker
"""
    test = """
def test_it(ottla_broker, ottla_topic):
    assert not ottla_broker.child
    assert ottla_topic in ottla_broker.topics()
"""
    done = session(tmp_path, conftest=own, test_it=test)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_a_session_that_asks_for_no_broker_imports_none(tmp_path: Path) -> None:
    test = """
import sys

def test_it():
    allowed = {"ottla", "ottla.testing", "ottla.testing.plugin"}
    assert {name for name in sys.modules if name.partition(".")[0] == "ottla"} <= allowed
    assert "msgspec" not in sys.modules
"""
    done = session(tmp_path, "-p", "no:hypothesispytest", test_it=test)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_the_fixtures_are_listed_with_what_they_are(tmp_path: Path) -> None:
    listed = session(tmp_path, "--fixtures").stdout
    assert "ottla_broker [session scope]" in listed
    assert "ottla_topic" in listed
