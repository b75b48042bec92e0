"""Programs in other languages that make the checks: started once on a node, judged check by check.

A program is told the node and a file of records, and prints one line of JSON for each check: its name, and what was
wrong or null. Its topics are named for the program and the check, so that another client can read what it wrote.
"""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.conformance.broker import Broker
from tests.samples import LARGE, SAMPLES, Sample

MINUTES = 3
"""How long a program may take; each check in it has 30 seconds."""

Verdicts = dict[str, str | None]
"""What was wrong with each check; None where it went well."""


def run(command: Sequence[str], broker: Broker, directory: Path, samples: Sequence[Sample]) -> Verdicts:
    """Let a program do its work. Raises AssertionError when it ends badly or says what cannot be read."""
    records = directory / "samples.json"
    records.write_text(json.dumps({"samples": [plain(each) for each in samples], "large": plain(LARGE)}))
    done = subprocess.run(
        [*command, broker.bootstrap, str(records)],
        capture_output=True,
        text=True,
        timeout=60 * MINUTES,
        check=False,
    )
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}:\n{done.stderr[-4000:]}"
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    verdicts = {line["check"]: line["problem"] for line in lines}
    assert len(verdicts) == len(lines), "a check was reported twice"
    return verdicts


def plain(sample: Sample) -> dict[str, Any]:
    """A record as JSON can hold it: bytes in base64."""

    def text(data: bytes | None) -> str | None:
        return None if data is None else base64.b64encode(data).decode()

    headers = [{"name": name, "value": text(value)} for name, value in sample.headers]
    return {**asdict(sample), "key": text(sample.key), "value": text(sample.value), "headers": headers}


def judge(verdicts: Verdicts, check: str) -> None:
    """Fail with what the program said of the check."""
    assert check in verdicts, "the program did not make this check"
    assert verdicts[check] is None, verdicts[check]


ALL_SAMPLES = SAMPLES
WITHOUT_NULL_HEADERS = [each for each in SAMPLES if all(value is not None for _, value in each.headers)]
"""For clients that refuse a header without a value."""
