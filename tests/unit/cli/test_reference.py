"""The written reference is what the commands say."""

from __future__ import annotations

from pathlib import Path

from ottla.cli.reference import reference

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "cli.md"


def test_the_reference_is_current() -> None:
    assert PAGE.read_text() == reference(), "python -m ottla.cli.reference > docs/reference/cli.md"
