"""`ottla test`: a broker for as long as a command runs, for tests in any language."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

import click

from ottla.cli.options import key_values, log_level_option
from ottla.cli.problems import Problem
from ottla.cli.target import ENVIRONMENT

NOT_FOUND = 127
NOT_EXECUTABLE = 126
BY_SIGNAL = 128
"""What shells make of a command that did not end by itself: this and the number of the signal."""


@click.command(context_settings={"allow_interspersed_args": False})
@click.option(
    "--override",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set a key of server.properties; repeatable.",
)
@log_level_option(default="warning")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def test(overrides: tuple[str, ...], log_level: str, command: tuple[str, ...]) -> int:
    """Run COMMAND with a broker of its own, and end with its exit code.

    The broker is ready when COMMAND starts, on a free port of loopback, and gone without a trace when it ends. COMMAND
    finds it in KAFKA_BOOTSTRAP_SERVERS.

    \b
    ottla test -- pytest -x
    ottla test -- mvn --quiet test
    ottla test -- sh -c 'ottla topic create orders && npm test'
    """
    from ottla.cli.logs import set_up
    from ottla.testing.broker import Broker
    from ottla.testing.words import BrokerFailed

    set_up(log_level)
    properties = key_values(overrides, "--override")
    running = Command(command)
    try:
        with running.told_of_signals(), Broker(properties) as broker:
            return running.run(dict.fromkeys(ENVIRONMENT, broker.bootstrap_servers))
    except BrokerFailed as error:
        raise Problem(str(error), "correct the --override, or see what --log-level info tells.") from error


class Command:
    """The command, and the signals that are meant for it."""

    def __init__(self, words: tuple[str, ...]) -> None:
        self._words = words
        self._begun = False
        self._process: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        """Signals that came while it was being started."""

    def run(self, environment: Mapping[str, str]) -> int:
        """Its exit code, as a shell would have it. Raises Problem when it cannot be started."""
        name = self._words[0]
        self._begun = True
        try:
            process = subprocess.Popen(self._words, env={**os.environ, **environment})
        except FileNotFoundError as error:
            raise Problem(f"there is no command {name!r}", "check the spelling.", NOT_FOUND) from error
        except OSError as error:
            reason = error.strerror or str(error)
            raise Problem(f"cannot run {name!r}: {reason}", "is it a program?", NOT_EXECUTABLE) from error
        self._process = process
        for number in self._early:
            process.send_signal(number)
        code = process.wait()
        return code if code >= 0 else BY_SIGNAL - code

    @contextmanager
    def told_of_signals(self) -> Iterator[None]:
        """Who asks us to end means the command. A terminal tells it of Ctrl-C by itself, so that one is only survived.
        Before there is a command we end, and clean up."""
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = [(number, signal.signal(number, self._pass_on)) for number in numbers]
        try:
            yield
        finally:
            for number, handler in before:
                signal.signal(number, handler)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        if not self._begun:
            sys.exit(BY_SIGNAL + number)
        if number == signal.SIGINT:
            return
        if self._process is None:
            self._early.append(number)
        else:
            self._process.send_signal(number)
