"""Do the tests test? Each bug of `bugs.py` is planted, alone, in a copy of the source, and must make its tests fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.planted.bugs import BUGS, Bug

ROOT = Path(__file__).parents[2]
TESTS_FAILED = 1
"""pytest's exit code, as against 2 to 5: interrupted, broken, misused, nothing collected."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of `src` to be spoiled."""
    copy = tmp_path_factory.mktemp("planted") / "src"
    shutil.copytree(ROOT / "src", copy)
    return copy


@pytest.fixture
def planted(source: Path, request: pytest.FixtureRequest) -> Iterator[Bug]:
    bug: Bug = request.param
    path = source / "ottla" / bug.file
    sound = path.read_text()
    count = sound.count(bug.was)
    assert count == 1, (
        f"{bug.file} has the place of this bug {count} times: plant it anew in the text of today"
    )
    path.write_text(sound.replace(bug.was, bug.becomes))
    yield bug
    path.write_text(sound)


def run(source: Path, tests: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(source),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(source / "hypothesis"),
    }
    environment.pop("CI", None)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        "--hypothesis-profile=verdict",
    ]
    return subprocess.run(
        [*command, *(f"tests/{each}" for each in tests)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def test_nothing_fails_without_a_bug(source: Path) -> None:
    done = run(source, sorted({test for bug in BUGS for test in bug.tests}))
    assert done.returncode == 0, done.stdout[-3000:]


def test_the_copy_is_what_is_tested(source: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import ottla; print(ottla.__file__)"],
        env={**os.environ, "PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(done.stdout.strip()).is_relative_to(source)


@pytest.mark.parametrize("planted", BUGS, ids=[bug.name.replace(" ", "-") for bug in BUGS], indirect=True)
def test_a_planted_bug_is_found(source: Path, planted: Bug) -> None:
    done = run(source, list(planted.tests))
    assert done.returncode == TESTS_FAILED, f"{planted.name}: nobody noticed\n{done.stdout[-3000:]}"
