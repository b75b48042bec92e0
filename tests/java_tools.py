"""Many of Kafka's tools in one JVM: what each would print and exit with, without the second that each would take to start.

`tests/java/Workbench.java` is compiled where it is started, so this needs a JDK; with a mere JRE its tests skip.
"""

from __future__ import annotations

import functools
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.apache_kafka import absent, java

SOURCE = Path(__file__).parent / "java" / "Workbench.java"
CURE = "needs a JDK: apt-get install openjdk-17-jdk-headless"


@dataclass(frozen=True)
class Done:
    """How a tool ended."""

    code: int
    out: str
    err: str


def checked(source: Path, bootstrap: str) -> dict[str, str]:
    """What a program of one file, compiled where it is started, says of each of its checks: its name → "ok", or what was
    wrong."""
    if not has_compiler():
        absent(CURE)
    command = [*java(str(source), heap="-Xmx256m", quick=True), bootstrap]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return dict(line.split("\t", 1) for line in done.stdout.splitlines())


class Workbench:
    """A running JVM that takes one call after another."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin and process.stdout
        self._calls: IO[bytes] = process.stdin
        self._answers: IO[bytes] = process.stdout

    def run(self, main: str, *args: str) -> Done:
        """What the tool of this main class does with these arguments."""
        words = [word.encode() for word in (main, *args)]
        self._calls.write(struct.pack(">i", len(words)))
        for word in words:
            self._calls.write(struct.pack(">i", len(word)) + word)
        self._calls.flush()
        return Done(self._int(), self._text(), self._text())

    def _int(self) -> int:
        data = self._answers.read(4)
        assert len(data) == 4, "the JVM of Kafka's tools has ended"
        return int(struct.unpack(">i", data)[0])

    def _text(self) -> str:
        return self._answers.read(self._int()).decode(errors="replace")


@contextmanager
def workbench() -> Iterator[Workbench]:
    """A JVM for Kafka's tools, ended with the block. Skips (CI: fails) without a JDK."""
    command = java(str(SOURCE), heap="-Xmx256m", quick=True)
    if not has_compiler():
        absent(CURE)
    log = None if os.environ.get("OTTLA_TEST_VERBOSE") else subprocess.DEVNULL
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log) as process:
        try:
            yield Workbench(process)
        finally:
            process.kill()


@functools.cache
def has_compiler() -> bool:
    if shutil.which("java") is None:
        return False
    modules = subprocess.run(["java", "--list-modules"], capture_output=True, text=True, check=False)
    return "jdk.compiler" in modules.stdout
