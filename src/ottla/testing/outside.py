"""A broker in a process of its own, which ends when this one does. They talk by lines of JSON."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
import time
from typing import Any, Final

import msgspec

from ottla.testing.words import BrokerFailed, Command, Done, Launch, Refused, Stop, Word

PATIENCE_S: Final = 60.0
TOLD_BYTES: Final = 2_000
"""Of the end of its log, when it ends unasked."""

_ANSWERS: Final = msgspec.json.Decoder(Done | Refused)


class Outside:
    """Runs once: from its making until `stop` or `kill`. Raises BrokerFailed when the node cannot start."""

    def __init__(self, launch: Launch, log: str) -> None:
        self._log = log
        self._unread = b""
        self._turn = threading.Lock()
        with open(log, "ab") as file:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "ottla.testing.child",
                ],  # -P: modules where the tests run are not ours
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                bufsize=0,
                start_new_session=True,  # Ctrl-C is for the tests: they end the broker
            )
        try:
            self._exchange(launch)
        except BaseException:
            self.kill()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, command: Command) -> Any:
        """What the node answers. Raises BrokerFailed."""
        return self._exchange(command)

    def stop(self) -> None:
        try:
            self._exchange(Stop())
            self._process.wait(PATIENCE_S)
        finally:
            self.kill()

    def kill(self) -> None:
        """SIGKILL. Nothing happens to one that has ended."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _exchange(self, word: Word) -> Any:
        with self._turn:
            answer = _ANSWERS.decode(self._say(word))
        match answer:
            case Done(value):
                return value
            case Refused(reason):
                raise BrokerFailed(reason)

    def _say(self, word: Word) -> bytes:
        """The line that answers it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(msgspec.json.encode(word) + b"\n")
        except (BrokenPipeError, ValueError):  # ValueError: another thread has closed it
            raise self._ended() from None
        deadline = time.monotonic() + PATIENCE_S
        while b"\n" not in self._unread:
            readable, _, _ = select.select([self._process.stdout], [], [], deadline - time.monotonic())
            if not readable:
                raise BrokerFailed(f"the broker gave no answer within {PATIENCE_S:.0f} s")
            data = os.read(self._process.stdout.fileno(), 1 << 16)
            if not data:
                raise self._ended()
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _ended(self) -> BrokerFailed:
        code = self._process.wait()
        with open(self._log, "rb") as file:
            said = file.read()[-TOLD_BYTES:].decode("utf-8", "replace")
        return BrokerFailed(f"the broker's process ended with {code}: {said}")
