"""YAML, which is written here: what a reader might take for something else is quoted."""

from __future__ import annotations

import pytest

from ottla.cli.output import print_rows
from ottla.cli.yaml_text import yaml_text

ROWS: list[dict[str, object]] = [{"name": "orders", "tags": []}, {"name": "a: b", "tags": ["x", 1]}]


def test_rows(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(ROWS, "yaml", columns=("name",))
    assert (
        capsys.readouterr().out == '- name: orders\n  tags: []\n- name: "a: b"\n  tags:\n    - x\n    - 1\n'
    )


@pytest.mark.parametrize(
    "text", ["no", "True", "NULL", "1", "-x", "", "a #b", "a: b", "end ", "l\nl", "\x7f\x85"]
)
def test_what_must_be_quoted(text: str) -> None:
    assert yaml_text(text).startswith('"')


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain words-1.2/x", "plain words-1.2/x"),
        (None, "null"),
        (True, "true"),
        (1.5, "1.5"),
        ({}, "{}"),
        ([], "[]"),
    ],
)
def test_scalars(value: object, expected: str) -> None:
    assert yaml_text(value) == expected + "\n"
