"""The command line as people use it: real processes, pipes, signals, on a node that `ottla dev` started."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.nodes import free_ports

OTTLA = [sys.executable, "-m", "ottla.cli.main"]
SECONDS = 30
FIRST_SEGMENT = "00000000000000000000.log"


@dataclass
class Dev:
    """A running `ottla dev`."""

    process: subprocess.Popen[str]
    first_screen: str
    bootstrap: str
    errors: str = ""
    """What it wrote to stderr, known once it has stopped."""

    def __call__(
        self, *args: str, stdin: bytes = b"", code: int = 0, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command against it, found through the environment."""
        done = subprocess.run(
            [*OTTLA, *args],
            input=stdin,
            capture_output=True,
            timeout=SECONDS,
            env={**os.environ, "OTTLA_BOOTSTRAP_SERVERS": self.bootstrap, **(env or {})},
            check=False,
        )
        assert done.returncode == code, done.stderr.decode()
        return done

    def lines(self, *args: str) -> list[bytes]:
        return self(*args).stdout.splitlines()

    def stop(self, *numbers: int) -> int:
        """Send signals (SIGTERM) one right after the other; returns the exit code."""
        for number in numbers or (signal.SIGTERM,):
            self.process.send_signal(number)
        _, self.errors = self.process.communicate(timeout=SECONDS)
        return self.process.returncode


@contextmanager
def running_dev(*args: str, env: dict[str, str] | None = None) -> Iterator[Dev]:
    """An `ottla dev` that is ready; stopped at the end, and expected to have stopped well."""
    process = subprocess.Popen(
        [*OTTLA, "dev", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(env or {})},
    )
    assert process.stdout is not None
    screen = ""
    for line in process.stdout:
        screen += line
        if line.startswith("ready"):
            break
    else:
        raise AssertionError(f"ottla dev ended: {process.communicate()[1]}")
    found = re.search(r"kafka +(localhost:\d+)", screen)
    assert found, screen
    running = Dev(process, screen, found[1])
    try:
        yield running
        if process.returncode is None:
            assert running.stop() == 0
    finally:
        if process.returncode is None:
            process.kill()
            process.communicate()


def free_port() -> str:
    return str(free_ports(1)[0])


@pytest.fixture(scope="module")
def dev() -> Iterator[Dev]:
    with running_dev("--port", free_port()) as running:
        yield running


def test_the_first_screen_works_as_typed(dev: Dev) -> None:
    assert "not for production" in dev.first_screen
    typed = re.findall(r"^(?:try:|     ) +(.*)$", dev.first_screen, re.MULTILINE)
    port = dev.bootstrap.rpartition(":")[2]
    assert all(f"localhost:{port}" in line for line in typed)
    for line in typed:
        if "kcat" in line:
            continue
        line = line.replace("ottla ", " ".join(OTTLA) + " ")
        done = subprocess.run(line, shell=True, capture_output=True, timeout=SECONDS, check=True)
    assert done.stdout == b"hello\n"


def test_topics(dev: Dev) -> None:
    dev("topic", "create", "t-one", "t-two", "-p", "2", "--config", "retention.ms=3600000")
    again = dev("topic", "create", "t-one", code=1)
    assert b"TOPIC_ALREADY_EXISTS" in again.stderr
    assert b"hint: pick another name" in again.stderr
    dev("topic", "create", "t-one", "--if-not-exists")
    assert {b"t-one", b"t-two"} <= set(dev.lines("topic", "list", "-o", "name"))
    rows = {row["name"]: row for row in json.loads(dev("topic", "list", "-o", "json").stdout)}
    assert rows["t-one"]["partitions"] == 2
    (described,) = json.loads(dev("topic", "describe", "t-one", "-o", "json").stdout)
    assert described["id"] == rows["t-one"]["id"]
    assert [part["end_offset"] for part in described["partitions"]] == [0, 0]
    configs = {entry["name"]: entry for entry in described["configs"]}
    assert (configs["retention.ms"]["value"], configs["retention.ms"]["source"]) == ("3600000", "topic")
    table = dev("topic", "describe", "t-one").stdout.decode()
    assert "retention.ms" in table
    assert "segment.bytes" not in table
    assert "segment.bytes" in dev("topic", "describe", "t-one", "-o", "wide").stdout.decode()
    assert b"no-such" in dev("topic", "describe", "t-one", "no-such", code=3).stderr

    assert b"Nobody is there to ask" in dev("topic", "delete", "t-one", code=2).stderr
    assert b"would be deleted" in dev("topic", "delete", "t-one", "--dry-run").stderr
    dev("topic", "delete", "t-one", "t-two", "-y")
    assert b"t-one" not in dev.lines("topic", "list", "-o", "name")
    dev("topic", "delete", "t-one", "-y", code=3)
    dev("topic", "delete", "t-one", "-y", "--if-exists")


def test_a_wrong_config_is_named(dev: Dev) -> None:
    done = dev("topic", "create", "wrong", "--config", "retention.ms=soon", code=1)
    assert b"INVALID_CONFIG" in done.stderr
    assert b"retention.ms" in done.stderr


def test_keys_headers_tombstones_and_templates(dev: Dev) -> None:
    dev("topic", "create", "shapes", "-p", "1")
    told = dev(
        "produce",
        "shapes",
        "-K",
        ":",
        "-Z",
        "-H",
        "h=1",
        "-z",
        "zstd",
        "-o",
        "jsonl",
        stdin=b"a:1\nb:\nc:x:y\n",
    )
    assert json.loads(told.stdout) == {"topic": "shapes", "partition": 0, "base_offset": 0, "count": 3}
    dev("produce", "shapes", "-f", r"%k\t%h{%k=%v}\t%T\t%v{hex}", stdin=b"k\tx=y\t1700000000000\t00ff0a")
    lines = dev.lines("consume", "shapes", "-e", "-f", r"%o %k %V %H %v{hex}\n")
    assert lines == [b"0 a 1 1 31", b"1 b -1 1 ", b"2 c 3 1 783a79", b"3 k 3 1 00ff0a"]
    rows = [json.loads(line) for line in dev.lines("consume", "shapes", "--offset", ":end", "-o", "json")]
    assert rows[1]["value"] is None
    assert rows[3]["value_base64"] == "AP8K"
    assert rows[3]["timestamp"] == 1_700_000_000_000
    assert rows[3]["headers"] == [{"name": "x", "value": "y"}]


def test_a_line_that_does_not_fit_is_named_by_its_number(dev: Dev) -> None:
    done = dev("produce", "shapes-b", "-K", ":", stdin=b"a:1\nno key\n", code=2)
    assert b"line 2 has no ':'" in done.stderr


def test_ranges(dev: Dev) -> None:
    dev("topic", "create", "numbers", "-p", "1")
    dev("produce", "numbers", stdin=b"\n".join(b"%d" % number for number in range(100)))
    assert dev.lines("consume", "numbers", "--offset", "-3:end") == [b"97", b"98", b"99"]
    assert dev.lines("consume", "numbers", "--offset", "10:13") == [b"10", b"11", b"12"]
    assert dev.lines("consume", "numbers", "--offset", ":2") == [b"0", b"1"]
    assert dev.lines("consume", "numbers", "--offset", "+98", "-n", "2") == [b"98", b"99"]
    assert dev.lines("consume", "numbers", "--offset", "@-1h:end", "-n", "1") == [b"0"]
    assert dev.lines("consume", "numbers", "--offset", "@2001-01-01:2002-01-01") == []
    assert dev.lines("consume", "numbers", "--offset", "end", "-e") == []
    assert len(dev.lines("consume", "numbers", "-e", "--read-committed")) == 100
    assert b"has no partition 5" in dev("consume", "numbers", "-p", "5", code=3).stderr
    assert b"UNKNOWN_TOPIC" in dev("consume", "nowhere", code=3).stderr
    assert b"OFFSET_OUT_OF_RANGE" in dev("consume", "numbers", "--offset", "5000", "-n", "1", code=1).stderr


def test_a_hundred_thousand_lines_arrive_once_and_in_order(dev: Dev) -> None:
    dev("topic", "create", "many", "-p", "1")
    sent = b"".join(b"%d\n" % number for number in range(100_000))
    dev("produce", "many", "-z", "lz4", stdin=sent)
    assert dev("consume", "many", "-e").stdout == sent


def test_records_too_large_are_refused_and_say_why(dev: Dev) -> None:
    dev("topic", "create", "small", "-p", "1", "--config", "max.message.bytes=1000")
    done = dev("produce", "small", stdin=b"x" * 5000, code=1)
    assert b"MESSAGE_TOO_LARGE" in done.stderr
    assert b"max.message.bytes" in done.stderr
    done = dev("produce", "small", stdin=b"x" * 3_000_000, code=2)
    assert b"a line is longer than max.request.size" in done.stderr


def test_a_reader_that_leaves_ends_the_consumer(dev: Dev) -> None:
    dev("produce", "piped", stdin=b"1\n2\n3\n")
    command = " ".join([*OTTLA, "consume", "piped", "-b", dev.bootstrap])
    script = f"set -o pipefail; {command} | head -1"
    done = subprocess.run(["bash", "-c", script], capture_output=True, timeout=SECONDS, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout in (b"1\n", b"2\n", b"3\n")


def test_ctrl_c_is_how_a_consumer_ends(dev: Dev) -> None:
    dev("topic", "create", "tail", "-p", "1")
    dev("produce", "tail", stdin=b"before")
    # A shell starts its background jobs with SIGINT ignored, and a test run may be one: a terminal would not ignore it.
    heard_before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            [*OTTLA, "consume", "tail", "-b", dev.bootstrap], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    finally:
        signal.signal(signal.SIGINT, heard_before)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"before\n"
        dev("produce", "tail", stdin=b"after")
        assert process.stdout.readline() == b"after\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
        process.communicate()
    assert (process.returncode, errors) == (0, b"")


def test_typed_lines_leave_as_they_are_typed(dev: Dev) -> None:
    dev("topic", "create", "typed", "-p", "1")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*OTTLA, "produce", "typed", "-b", dev.bootstrap],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    os.close(theirs)
    os.write(ours, b"first\n")
    assert dev.lines("consume", "typed", "-n", "1") == [b"first"], "before the end of the input"
    os.write(ours, b"second\n\x04")
    assert process.wait(SECONDS) == 0
    os.close(ours)
    process.communicate()
    assert dev.lines("consume", "typed", "-n", "2") == [b"first", b"second"]


def test_no_colour_on_a_pipe(dev: Dev) -> None:
    done = dev("topic", "describe", "nowhere", code=3)
    assert b"\x1b[" not in done.stdout + done.stderr + dev("topic", "list").stdout


def test_log_dump_reads_a_running_nodes_files(tmp_path: Path) -> None:
    with running_dev("--data-dir", str(tmp_path), "--port", free_port()) as running:
        running("topic", "create", "kept", "-p", "1")
        running("produce", "kept", stdin=b"one\ntwo\n")
        dump = ("log", "dump", "--print-data", "-o", "jsonl")
        rows = [json.loads(line) for line in running.lines(*dump, str(tmp_path / "kept-0" / FIRST_SEGMENT))]
        assert [row["value"] for row in rows if row["kind"] == "record"] == ["one", "two"]
        metadata = tmp_path / "__cluster_metadata-0" / FIRST_SEGMENT
        rows = [json.loads(line) for line in running.lines(*dump, str(metadata))]
        assert "kept" in [row["data"]["name"] for row in rows if row.get("type") == "TopicRecord"]

    with running_dev("--data-dir", str(tmp_path)) as again:
        assert again.lines("consume", "kept", "-e") == [b"one", b"two"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_data_of_dev_vanish_on_exit(number: int) -> None:
    with (
        tempfile.TemporaryDirectory() as home,
        running_dev("--port", free_port(), env={"TMPDIR": home}) as dev,
    ):
        assert len(os.listdir(home)) == 1
        assert dev.stop(number) == 0
        assert os.listdir(home) == []


def test_a_second_signal_ends_it_at_once_and_still_tidies() -> None:
    with (
        tempfile.TemporaryDirectory() as home,
        running_dev("--port", free_port(), env={"TMPDIR": home}) as dev,
    ):
        assert dev.stop(signal.SIGTERM, signal.SIGINT) in (0, 128 + signal.SIGINT, 128 + signal.SIGTERM)
        assert os.listdir(home) == []


def test_nodes_that_start_at_the_same_moment_find_ports_of_their_own() -> None:
    started = [subprocess.Popen([*OTTLA, "dev"], stdout=subprocess.PIPE, text=True) for _ in range(4)]
    try:
        found = []
        for process in started:
            assert process.stdout is not None
            screen = ""
            while not screen.endswith("stops it\n"):
                line = process.stdout.readline()
                assert line, screen
                screen += line
            found += re.findall(r"kafka +localhost:(\d+)", screen)
        assert len(set(found)) == 4
    finally:
        for process in started:
            process.terminate()
            process.communicate(timeout=SECONDS)


def test_leftovers_of_a_killed_node_go_with_the_next_start() -> None:
    with tempfile.TemporaryDirectory() as home:
        with running_dev("--port", free_port(), env={"TMPDIR": home}) as killed:
            assert killed.stop(signal.SIGKILL) == -signal.SIGKILL
        (left,) = os.listdir(home)
        long_ago = time.time() - 3600
        os.utime(os.path.join(home, left, ".lock"), (long_ago, long_ago))
        with running_dev("--port", free_port(), env={"TMPDIR": home}) as running:
            (its_own,) = os.listdir(home)
            assert its_own != left
            os.utime(os.path.join(home, its_own, ".lock"), (long_ago, long_ago))
            with running_dev("--port", free_port(), env={"TMPDIR": home}):
                assert its_own in os.listdir(home), "a running node keeps its directory"
            assert running.lines("topic", "list", "-o", "name") == []


def test_a_taken_listener_says_what_to_change(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        listeners = f"listeners=PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:{port}"
        done = subprocess.run(
            [*OTTLA, "dev", "--data-dir", str(tmp_path), "--override", listeners],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in done.stderr
    assert "change the port in listeners" in done.stderr


def test_python_m_ottla_is_the_same_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ottla", "--version"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    assert done.stdout.startswith("ottla ")


def test_a_taken_port_is_told_and_passed_over() -> None:
    with socket.socket() as taken:
        try:
            taken.bind(("127.0.0.1", 9092))
            taken.listen()
        except OSError:
            pass  # somebody else holds it: as good
        with running_dev() as running:
            assert running.stop() == 0
    assert "port 9092 is taken: using " in running.errors
    assert running.bootstrap != "localhost:9092"


def test_systemd_hears_of_start_and_stop(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        address = str(tmp_path / "notify")
        supervisor.bind(address)
        supervisor.settimeout(SECONDS)
        with running_dev("--port", free_port(), env={"NOTIFY_SOCKET": address}):
            assert supervisor.recv(100) == b"READY=1"
        assert supervisor.recv(100) == b"STOPPING=1"


def test_storage_and_server_from_a_file(tmp_path: Path) -> None:
    port, controller = free_ports(2)
    config = tmp_path / "server.properties"
    config.write_text(
        "process.roles=broker,controller\nnode.id=7\ncontroller.listener.names=CONTROLLER\n"
        f"controller.quorum.bootstrap.servers=127.0.0.1:{controller}\n"
        f"listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n"
        f"log.dirs={tmp_path / 'data'}\n"
    )

    def ottla(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*OTTLA, *args], capture_output=True, text=True, timeout=SECONDS, check=False)

    unformatted = ottla("server", str(config))
    assert unformatted.returncode == 1
    assert "hint: format it once: ottla storage format" in unformatted.stderr
    assert ottla("storage", "info", "-c", str(config)).returncode == 1
    uuid = ottla("storage", "random-uuid").stdout.strip()
    done = ottla("storage", "format", "-t", uuid, "-s", "-c", str(config))
    assert (done.returncode, done.stderr) == (0, "")
    assert "Formatting dynamic metadata voter directory" in done.stdout
    assert ottla("storage", "format", "-t", uuid, "-s", "-c", str(config)).returncode == 1
    assert ottla("storage", "format", "-t", uuid, "-s", "-g", "-c", str(config)).returncode == 0
    assert uuid in ottla("storage", "info", "-c", str(config)).stdout

    with subprocess.Popen(
        [*OTTLA, "server", str(config), "--override", "log.retention.hours=1"],
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert any("is ready" in line for line in process.stderr)
        at = ("-b", f"127.0.0.1:{port}", "-o", "json")
        (row,) = json.loads(ottla("topic", "create", "here", *at).stdout)
        assert row["name"] == "here"
        (described,) = json.loads(ottla("topic", "describe", "here", *at).stdout)
        configs = {entry["name"]: entry["value"] for entry in described["configs"]}
        assert configs["retention.ms"] == "3600000"
        others = free_ports(2)
        second = ottla(
            "server",
            str(config),
            "--override",
            f"listeners=PLAINTEXT://127.0.0.1:{others[0]},CONTROLLER://127.0.0.1:{others[1]}",
        )
        assert second.returncode == 1
        assert "in use by another process" in second.stderr
        process.terminate()
        assert process.wait(SECONDS) == 0
        assert "has stopped" in process.stderr.read()


def test_help_is_quick() -> None:
    """Far from a benchmark: only that nothing heavy has crept in (the budget is 150 ms on a quiet machine)."""
    spent = []
    for _ in range(3):
        began = time.monotonic()
        subprocess.run([*OTTLA, "--help"], capture_output=True, timeout=SECONDS, check=True)
        spent.append(time.monotonic() - began)
    assert min(spent) < 1
