"""Kafka Streams: its jars, and the word count of `tests/java/streams` as a running process."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from tests.apache_kafka import VERSION, absent, fetched, jars, java
from tests.java_tools import CURE

SOURCE = Path(__file__).parent / "java" / "streams"
_STATE = re.compile(r"^state (\w+)$", re.MULTILINE)
_TASKS = re.compile(r"^tasks (\d+) standbys (\d+) clients (\d+)$", re.MULTILINE)


def build(directory: Path) -> str:
    """Compile it; the class path to run it with. Skips (CI: fails) without a JDK and Maven."""
    path = os.pathsep.join([f"{jars()}/*", f"{fetched('kafka-streams', VERSION)}/*"])
    if shutil.which("javac") is None:
        absent(CURE)
    classes = directory / "classes"
    done = subprocess.run(
        ["javac", "-proc:none", "-cp", path, "-d", str(classes), *map(str, SOURCE.glob("*.java"))],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return os.pathsep.join([path, str(classes)])


class Instance:
    """One process of the application."""

    def __init__(self, path: str, directory: Path, *arguments: str) -> None:
        directory.mkdir(parents=True)
        self._log = directory / "log"
        command = java("streams.WordCount", heap="-Xmx128m", quick=True)
        command[command.index("-cp") + 1] = path
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, *arguments], stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT
            )

    @property
    def said(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def state(self) -> str:
        """The last that Kafka Streams reached."""
        found = _STATE.findall(self.said)
        return found[-1] if found else ""

    @property
    def tasks(self) -> int:
        """How many active tasks it has."""
        return self._last()[0]

    @property
    def standbys(self) -> int:
        return self._last()[1]

    @property
    def clients(self) -> int:
        """How many processes it knows of that answer queries."""
        return self._last()[2]

    def _last(self) -> tuple[int, int, int]:
        """(active tasks, standbys, clients) as it said last."""
        found = _TASKS.findall(self.said)
        active, standbys, clients = map(int, found[-1]) if found else (0, 0, 0)
        return active, standbys, clients

    def end(self) -> int:
        """Have it close in good order."""
        assert self.process.stdin
        self.process.stdin.close()
        return self.process.wait(40)

    def kill(self) -> None:
        """SIGKILL: nobody is told."""
        self.process.kill()
        self.process.wait()
        if self.process.stdin and not self.process.stdin.closed:
            self.process.stdin.close()
