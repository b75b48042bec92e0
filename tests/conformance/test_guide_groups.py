"""The programs of the guide to groups: written down and run as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.confluent import producer
from tests.conformance.broker import Broker

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "groups.md"
PROGRAM = re.compile(r"^```python file=(\S+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SHOWN = dict(PROGRAM.findall(GUIDE.read_text("utf-8")))


def ran(
    broker: Broker, directory: Path, name: str, names: Mapping[str, str], count: int, **variables: str
) -> str:
    """What the program prints when it handles so many records, with names of topics and groups of this test's own."""
    text = SHOWN[name]
    for shown, own in names.items():
        text = text.replace(f'"{shown}"', f'"{own}"')
    (directory / name).write_text(text, "utf-8")
    done = subprocess.run(
        [sys.executable, name, str(count)],
        cwd=directory,
        env={**os.environ, "BOOTSTRAP": broker.bootstrap, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def fill(broker: Broker, topic: str) -> None:
    client = producer(broker.bootstrap)
    for value in ("a", "b", "c", "d"):
        client.produce(topic, value)
    client.flush(30)


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_the_worker_goes_on_where_it_committed(
    broker: Broker, topic: str, tmp_path: Path, protocol: str
) -> None:
    fill(broker, topic)
    names = {"orders": topic, "billing": f"billing-{topic}"}
    first = ran(broker, tmp_path, "worker.py", names, 2, PROTOCOL=protocol)
    second = ran(broker, tmp_path, "worker.py", names, 2, PROTOCOL=protocol)
    assert first.split() == ["0", "0", "a", "0", "1", "b"]
    assert second.split() == ["0", "2", "c", "0", "3", "d"]


def test_the_loop_counts_exactly(broker: Broker, topic: str, tmp_path: Path) -> None:
    fill(broker, topic)
    totals = broker.topic()
    ran(broker, tmp_path, "exactly_once.py", {"orders": topic, "totals": totals}, 3)
    printed = ran(broker, tmp_path, "worker.py", {"orders": totals, "billing": f"billing-{totals}"}, 3)
    assert [line.split()[2] for line in printed.splitlines()] == ["A", "B", "C"]
