"""The programs that the guides show: written down and run as they stand there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "testing.md"
PROGRAM = re.compile(r"^```python file=(\S+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("way", ["process", "inside"])
def test_the_fixtures_of_the_guide_work_as_shown(tmp_path: Path, way: str) -> None:
    shown = {path: text for path, text in PROGRAM.findall(GUIDE.read_text("utf-8")) if path.startswith(way)}
    assert len(shown) == 2
    for path, text in shown.items():
        file = tmp_path / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", way],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
