"""`ottla txn` and `ottla metadata` on whichever broker runs."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

from ottla.client import Producer
from tests.conformance.broker import Broker
from tests.conformance.test_own_commands import OTTLA, run
from tests.samples import SECONDS


def rows(broker: Broker, *args: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(broker, *args, "-o", "json").stdout)
    return found


def test_an_open_transaction_is_listed_described_and_aborted(broker: Broker, topic: str) -> None:
    name = broker.name()

    async def scenario() -> None:
        async with Producer(bootstrap_servers=broker.bootstrap, transactional_id=name) as producer:
            await producer.begin_transaction()
            await (await producer.send(topic, b"open", partition=0))
            await asyncio.to_thread(look, "Ongoing")
            await producer.abort_transaction()
            await asyncio.to_thread(look, "CompleteAbort")

    def look(state: str) -> None:
        (found,) = [each for each in rows(broker, "txn", "list") if each["transactional_id"] == name]
        assert (
            found["state"] in (state, "PrepareAbort", "Empty")
            if state != "Ongoing"
            else found["state"] == state
        )
        (described,) = rows(broker, "txn", "describe", name)
        if state == "Ongoing":
            assert described["partitions"] == [f"{topic}:0"]
            assert described["open_ms"] >= 0
            hanging = rows(broker, "txn", "find-hanging", "--topic", topic, "--older-than", "0")
            assert hanging == []  # its coordinator knows it
            args = ("--topic", topic, "--partition", "0", "--start-offset", "0", "--dry-run")
            assert b"open since offset 0" in run(broker, "txn", "abort", *args).stderr
            assert name in {
                each["transactional_id"] for each in rows(broker, "txn", "list", "--state", "ongoing")
            }

    asyncio.run(scenario())
    args = ("--topic", topic, "--partition", "0", "--start-offset", "5", "-y")
    assert b"no transaction is open" in run(broker, "txn", "abort", *args, code=3).stderr
    assert b"TRANSACTIONAL_ID_NOT_FOUND" in run(broker, "txn", "describe", name + "-x", code=3).stderr


def test_the_quorum_and_what_it_keeps(broker: Broker, topic: str, tmp_path: Path) -> None:
    (quorum,) = rows(broker, "metadata", "quorum")
    assert quorum["leader"] == 1
    (leader,) = quorum["replicas"]
    assert (leader["node"], leader["role"], leader["lag"]) == (1, "leader", 0)
    assert "CAUGHT UP MS AGO" in run(broker, "metadata", "quorum").stdout.decode()
    (directory,) = {each["path"] for each in rows(broker, "broker", "logdirs")}
    found = json.loads(dump(directory, "--type", "TopicRecord", "-o", "json").stdout)
    assert topic in {each["data"]["name"] for each in found}
    assert b"PartitionRecord" in dump(directory + "/__cluster_metadata-0").stdout
    assert b"holds no __cluster_metadata-0" in dump(str(tmp_path), code=3).stderr
    assert b"No such file" in dump(str(tmp_path / "x"), code=3).stderr
    log = tmp_path / "__cluster_metadata-0" / "00000000000000000000.log"
    log.parent.mkdir()
    log.write_bytes(b"\0" * 100)
    assert b"cannot be read" in dump(str(tmp_path), code=1).stderr


def dump(*args: str, code: int = 0) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        [*OTTLA, "metadata", "dump", *args], capture_output=True, timeout=SECONDS, check=False
    )
    assert done.returncode == code, done.stderr.decode()
    return done
