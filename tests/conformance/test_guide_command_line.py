"""The guide to the command line: its lines run as they stand there, and say what it shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from ottla.testing import Broker

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "command-line.md"
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def steps() -> list[tuple[str, list[str]]]:
    """Each command, and the lines that the guide shows of what it says."""
    found: list[tuple[str, list[str]]] = []
    for block in CONSOLE.findall(GUIDE.read_text("utf-8")):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def test_every_line_runs_and_says_what_is_shown(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "ottla").write_text(f'#!/bin/sh\nexec {sys.executable} -m ottla "$@"\n')
    (tools / "ottla").chmod(0o755)
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("OTTLA_", "KAFKA_"))
    } | {"PATH": f"{tools}:{os.environ['PATH']}", "XDG_CONFIG_HOME": str(tmp_path)}
    with Broker() as broker:
        environment["KAFKA_BOOTSTRAP_SERVERS"] = broker.bootstrap_servers
        for command, shown in steps():
            done = subprocess.run(
                ["sh", "-c", command],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            said = done.stdout + done.stderr
            assert done.returncode == 0, f"$ {command}\n{said}"
            missing = [line for line in shown if line not in said]
            assert not missing, f"$ {command}\n{said}"
    assert len(steps()) > 30
