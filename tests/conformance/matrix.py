"""Write docs/reference/clients.md from what the tests cover: `python -m tests.conformance.matrix`.

A test fails when the page is not what this writes.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

from tests.conformance.checks import CANNOT, CHECKS, COVERED, THEMES

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "clients.md"

HEAD = """\
# Clients

Which clients are held against the node, and what each of them does there, test by test in `tests/conformance`. Every one of
these tests passes with Apache Kafka 4.3 in the node's place as well. Written by `python -m tests.conformance.matrix` from
what the tests say they cover; do not edit by hand.

**✓** is tested. A number says why the client cannot.
"""

TAIL = """\
Besides: more than a hundred calls of Kafka's admin tools are compared word for word with what Apache Kafka answers
(`tests/conformance/test_java_admin.py`), and requests of every API and version field by field
(`tests/conformance/differences`). Kafka's tools for groups and transactions are held against live ones
(`tests/conformance/test_group_tools.py`). A Kafka Streams application in the streams protocol counts words on two instances, one of
which is killed (`tests/conformance/test_kafka_streams.py`).
"""


def covered() -> dict[str, set[str]]:
    """The checks of each client, as its tests say. Imports all tests of conformance."""
    for module in sorted(Path(__file__).parent.glob("test_*.py")):
        importlib.import_module(f"tests.conformance.{module.stem}")
    return COVERED


def page(checks: dict[str, set[str]]) -> str:
    return "\n".join(lines(checks))


def lines(checks: dict[str, set[str]]) -> Iterator[str]:
    yield HEAD
    reasons: list[str] = []
    for theme, rows in THEMES.items():
        yield f"## {theme}\n"
        yield "| check | what | " + " | ".join(CANNOT) + " |"
        yield "|---|---|" + ":-:|" * len(CANNOT)
        for check, what in rows.items():
            cells = (cell(checks, client, check, reasons) for client in CANNOT)
            yield f"| {check} | {what} | " + " | ".join(cells) + " |"
        yield ""
    for number, reason in enumerate(reasons, 1):
        yield f"{number}. {reason}."
    yield ""
    yield TAIL.rstrip("\n")
    yield ""


def cell(checks: dict[str, set[str]], client: str, check: str, reasons: list[str]) -> str:
    reason = CANNOT[client].get(check)
    if reason is None:
        return "✓" if check in checks.get(client, ()) else "–"
    text = f"{client}: {reason}"
    if text not in reasons:
        reasons.append(text)
    return str(reasons.index(text) + 1)


def gaps(checks: dict[str, set[str]]) -> list[str]:
    """What neither a test covers nor a reason excuses, and what both do."""
    return [
        f"{client}: {check}"
        for client in CANNOT
        for check in CHECKS
        if (check in checks.get(client, ())) == (check in CANNOT[client])
    ]


if __name__ == "__main__":
    PAGE.write_text(page(covered()), "utf-8")
