"""`ottla test`: a command with a broker, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

OTTLA = [sys.executable, "-W", "error", "-m", "ottla", "test"]


def run(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*OTTLA, *args], capture_output=True, text=True, check=False, timeout=60)


def test_the_command_finds_a_broker_in_its_environment() -> None:
    show = "echo $KAFKA_BOOTSTRAP_SERVERS $OTTLA_BOOTSTRAP_SERVERS"
    work = f"{show}; {sys.executable} -m ottla topic create orders -o name; {sys.executable} -m ottla topic list -o name"
    done = run("--", "sh", "-c", work)
    assert done.returncode == 0, done.stderr
    places, *topics = done.stdout.splitlines()
    place, other = places.split()
    assert place == other
    assert place.startswith("127.0.0.1:")
    assert topics[-1] == "orders"


@pytest.mark.parametrize(
    ("command", "code"),
    [(["true"], 0), (["sh", "-c", "exit 7"], 7), (["sh", "-c", "kill -9 $$"], 137)],
)
def test_its_exit_code_is_ours(command: list[str], code: int) -> None:
    done = run("--", *command)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        (["no-such-command"], 127, "there is no command 'no-such-command'"),
        (["--", "/"], 126, "cannot run '/': Permission denied"),
        ([], 2, "Missing argument 'COMMAND...'"),
        (["--override", "listeners=nonsense", "--", "true"], 1, "nonsense"),
    ],
)
def test_what_cannot_be_run_is_told(args: list[str], code: int, told: str) -> None:
    done = run(*args)
    assert done.returncode == code
    assert told in done.stderr
    assert "hint: " in done.stderr


def test_options_behind_the_command_are_the_commands() -> None:
    assert run("sh", "-c", "exit 3").returncode == 3


def test_properties_go_in_by_override() -> None:
    ask = f"{sys.executable} -m ottla topic create orders -o name && {sys.executable} -m ottla topic describe orders"
    done = run("--override", "num.partitions=5", "--", "sh", "-c", ask)
    assert done.returncode == 0, done.stderr
    assert "5" in done.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_who_ends_it_ends_the_command(number: signal.Signals) -> None:
    with subprocess.Popen(
        [*OTTLA, "--", "sh", "-c", "echo up; exec sleep 60"], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        time.sleep(0.05)  # `exec` follows
        process.send_signal(number)
        assert process.wait(30) == 128 + number


def test_ctrl_c_is_the_commands() -> None:
    """A terminal sends it to both; the command decides what it means."""
    work = "trap 'echo asked; exit 5' INT; echo up; while :; do sleep 0.05; done"
    with subprocess.Popen(
        [*OTTLA, "--", "sh", "-c", work], stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(30) == 5
        assert process.stdout.read() == b"asked\n"
