"""franz-go, a client in Go that shares no code with others: `tests/go`."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.apache_kafka import absent
from tests.confluent import consumer, messages, sample
from tests.conformance.broker import Broker
from tests.conformance.checks import checks_of, covers
from tests.conformance.programs import Verdicts, judge, run
from tests.samples import COMPRESSIONS, SAMPLES

CLIENT = "franz-go (Go)"
SOURCE = Path(__file__).parents[1] / "go"
CURE = "needs Go 1.26 or one that may fetch it: https://go.dev/dl"

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def verdicts(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Verdicts:
    if shutil.which("go") is None:
        absent(CURE)
    directory = Path(tmp_path_factory.mktemp("go"))
    program = directory / "checks"
    # The version that go.mod names is fetched where an older Go is installed.
    build = subprocess.run(
        ["go", "build", "-o", str(program), "."],
        cwd=SOURCE,
        env={**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": os.environ.get("GOTOOLCHAIN", "auto")},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert build.returncode == 0, build.stderr
    return run([str(program)], broker, directory, SAMPLES)


@covers(CLIENT, *checks_of(CLIENT))
@pytest.mark.parametrize("check", checks_of(CLIENT))
def test_check(verdicts: Verdicts, check: str) -> None:
    judge(verdicts, check)


def test_makes_no_check_without_a_name(verdicts: Verdicts) -> None:
    assert list(verdicts) == checks_of(CLIENT)


@pytest.mark.parametrize("codec", COMPRESSIONS)
def test_librdkafka_reads_what_it_wrote(verdicts: Verdicts, broker: Broker, codec: str) -> None:
    judge(verdicts, codec)
    reader = consumer(broker.bootstrap)
    assert [sample(each) for each in messages(reader, f"franz-go-{codec}")] == SAMPLES
    reader.close()
