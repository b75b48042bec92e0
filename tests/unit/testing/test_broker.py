"""The life of a broker under test."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ottla.testing import Broker, BrokerFailed
from ottla.testing.broker import PREFIX
from tests.waiting import until

WAYS = pytest.mark.parametrize("child", [False, True], ids=["inside", "child"])


def answers(port: int) -> bool:
    with socket.socket() as door:
        return door.connect_ex(("127.0.0.1", port)) == 0


@WAYS
def test_it_serves_between_start_and_stop_and_is_gone_when_closed(child: bool) -> None:
    broker = Broker(child=child)
    assert not broker.running
    with pytest.raises(BrokerFailed, match="not started"):
        _ = broker.bootstrap_servers
    broker.start()
    port, directory = broker.port, broker.data_dir
    assert answers(port)
    with pytest.raises(BrokerFailed, match="runs already"):
        broker.start()
    broker.create_topic("orders")
    broker.stop()
    assert not answers(port)
    with pytest.raises(BrokerFailed, match="does not run"):
        broker.topics()
    broker.start()
    assert broker.port == port
    assert broker.topics() == ["orders"]
    broker.close()
    broker.close()
    assert not os.path.exists(os.path.dirname(directory))
    assert not answers(port)


@WAYS
def test_a_kept_directory_goes_on_in_the_next_broker(child: bool, tmp_path: Path) -> None:
    place = tmp_path / "data"
    with Broker(data_dir=place, child=child) as broker:
        broker.create_topic("orders")
    with Broker(data_dir=str(place), child=child) as broker:
        assert broker.topics() == ["orders"]


@WAYS
def test_properties_are_those_of_a_server(child: bool) -> None:
    with (
        pytest.raises(BrokerFailed, match=r"num\.partitions"),
        Broker({"num.partitions": "many"}, child=child),
    ):
        pass
    with Broker({"auto.create.topics.enable": "false"}, child=child) as broker:
        assert broker.running


@WAYS
def test_a_port_that_is_taken_is_told(child: bool) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"), Broker(port=taken.getsockname()[1], child=child):
            pass


@WAYS
def test_coroutines_may_use_it(child: bool) -> None:
    async def work() -> bool:
        async with Broker(child=child) as broker:
            await asyncio.to_thread(broker.create_topic, "orders")
            return answers(broker.port)

    assert asyncio.run(work())


@WAYS
def test_many_threads_may_use_it(child: bool) -> None:
    names = [f"orders-{number}" for number in range(20)]
    with Broker(child=child) as broker:
        threads = [threading.Thread(target=broker.create_topic, args=[name]) for name in names]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert broker.topics() == sorted(names)


def test_two_in_one_process_know_nothing_of_each_other() -> None:
    with Broker() as one, Broker() as other:
        one.create_topic("orders")
        assert other.topics() == []


def test_a_child_that_dies_is_told_with_its_last_words() -> None:
    script = "\n".join(
        (
            "import os, signal, sys",
            "from ottla.testing import Broker",
            "broker = Broker(child=True)",
            "broker.start()",
            "os.kill(broker._running.pid, signal.SIGKILL)",
            "try: broker.topics()",
            "except Exception as error: print(type(error).__name__, error)",
        )
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert "BrokerFailed the broker's process ended with -9" in done.stdout
    assert "node 1 is ready" in done.stdout


def test_a_child_ends_with_the_process_that_started_it_and_takes_its_data_along() -> None:
    script = "\n".join(
        (
            "import os, signal",
            "from ottla.testing import Broker",
            "broker = Broker(child=True)",
            "broker.start()",
            "print(broker.port, broker.data_dir, flush=True)",
            "os.kill(os.getpid(), signal.SIGKILL)",
        )
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    port, directory = done.stdout.split()
    until(lambda: not answers(int(port)), "it still listens", seconds=10)
    until(lambda: not os.path.exists(os.path.dirname(directory)), "its data are still there", seconds=10)


def test_a_process_that_closes_nothing_leaves_nothing_and_says_nothing() -> None:
    script = "\n".join(
        (
            "from ottla.testing import Broker",
            "broker = Broker(child=True)",
            "broker.start()",
            "broker.create_topic('orders')",
            "print(broker.data_dir)",
        )
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert not os.path.exists(os.path.dirname(done.stdout.strip()))


def test_what_a_killed_process_left_is_removed_and_what_a_stopped_broker_has_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left = tmp_path / f"{PREFIX}left"
    left.mkdir()
    (left / ".lock").touch()
    broker = Broker()
    broker.start()
    broker.create_topic("orders")
    broker.stop()
    for lock in tmp_path.rglob(".lock"):
        os.utime(lock, (0, 0))
    with Broker():
        assert not left.exists()
    broker.start()
    assert broker.topics() == ["orders"]
    broker.close()
    assert os.listdir(tmp_path) == []
