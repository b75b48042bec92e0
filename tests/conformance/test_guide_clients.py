"""The programs of the guide to our own clients: written down and run as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ottla.client.admin.configs import ConfigChange, Resource, ResourceType
from ottla.client.blocking import Admin
from tests.confluent import confluent_kafka, consumer, messages, producer
from tests.conformance.broker import Broker

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "clients.md"
PROGRAM = re.compile(r"^```python file=(\S+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SHOWN = dict(PROGRAM.findall(GUIDE.read_text("utf-8")))


def ran(broker: Broker, directory: Path, name: str, names: dict[str, str], *given: str, **env: str) -> str:
    """What the program prints, with names of topics, groups and transactional ids of this test's own."""
    text = SHOWN[name]
    for shown, own in names.items():
        text = text.replace(f'"{shown}"', f'"{own}"')
    (directory / f"guide_{name}").write_text(text, "utf-8")
    done = subprocess.run(
        [sys.executable, f"guide_{name}", *given],
        cwd=directory,
        env={**os.environ, "BOOTSTRAP": broker.bootstrap, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_first_record_gets_an_offset(broker: Broker, topic: str, tmp_path: Path) -> None:
    assert ran(broker, tmp_path, "write.py", {"orders": topic}).split() == [topic, "0"]


def test_what_was_written_is_read(broker: Broker, topic: str, tmp_path: Path) -> None:
    ran(broker, tmp_path, "write.py", {"orders": topic})
    names = {"orders": topic, "kitchen": f"read-{topic}"}
    assert ran(broker, tmp_path, "read.py", names).split() == [topic, "0", "0", "b'ann'", "b'tea'"]


def test_a_shared_record(broker: Broker, topic: str, tmp_path: Path) -> None:
    group = f"packers-{topic}"
    with Admin(bootstrap_servers=broker.bootstrap) as admin:
        start = ConfigChange("share.auto.offset.reset", "earliest")
        assert not any(admin.alter_configs({Resource(ResourceType.GROUP, group): [start]}).values())
    ran(broker, tmp_path, "write.py", {"orders": topic})
    assert ran(broker, tmp_path, "share.py", {"orders": topic, "packers": group}).split() == ["b'tea'", "1"]


def test_without_asyncio(broker: Broker, topic: str, tmp_path: Path) -> None:
    names = {"orders": topic, "kitchen": f"kitchen-{topic}"}
    assert ran(broker, tmp_path, "blocking.py", names).split() == ["0", "0", "b'tea'"]


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_every_order_has_one_invoice(broker: Broker, tmp_path: Path, protocol: str) -> None:
    orders, invoices = broker.topic(), broker.topic()
    names = {"orders": orders, "invoices": invoices, "billing": f"b-{orders}", "billing-1": f"b1-{orders}"}
    sender = producer(broker.bootstrap)
    for values in (("a", "b"), ("c", "d", "e")):
        for value in values:
            sender.produce(orders, value)
        sender.flush(30)
        ran(broker, tmp_path, "exactly_once.py", names, str(len(values)), PROTOCOL=protocol)
    reader = consumer(broker.bootstrap, isolation_level="read_committed")
    found = [each.value().decode() for each in messages(reader, invoices, partition=0)]
    reader.close()
    assert found == [f"invoice for {value}" for value in "abcde"]
    member = confluent_kafka.Consumer({"bootstrap.servers": broker.bootstrap, "group.id": f"b-{orders}"})
    (committed,) = member.committed([confluent_kafka.TopicPartition(orders, 0)], timeout=30)
    member.close()
    assert committed.offset == 5
