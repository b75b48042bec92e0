"""The programs of the guide to testing: written down and run as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.apache_kafka import absent, java
from tests.java_tools import CURE, has_compiler

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "testing-your-code.md"
PROGRAM = re.compile(r"^```\w+ file=(\S+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SHOWN = dict(PROGRAM.findall(GUIDE.read_text("utf-8")))
PLUGIN = "ottla.testing.plugin"
"""Named, since a checkout that was installed before it had a plug-in does not announce it."""


def run(command: list[str], directory: Path) -> str:
    here = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        command, cwd=directory, env=here, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def write(directory: Path, folder: str) -> None:
    shown = {path: text for path, text in SHOWN.items() if path.startswith(folder)}
    assert shown
    for path, text in shown.items():
        file = directory / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")


@pytest.mark.parametrize(
    ("folder", "client", "count"), [("confluent", "confluent_kafka", 2), ("own", "aiokafka", 1)]
)
def test_the_tests_in_python(tmp_path: Path, folder: str, client: str, count: int) -> None:
    pytest.importorskip(client)
    write(tmp_path, folder)
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "-p", PLUGIN]
    assert f"{count} passed" in run([*command, folder], tmp_path)


def test_the_test_in_java(tmp_path: Path) -> None:
    if not has_compiler():
        absent(CURE)
    write(tmp_path, "OrdersTest.java")
    assert run(java("OrdersTest.java", heap="-Xmx256m", quick=True), tmp_path) == "tea\n"
