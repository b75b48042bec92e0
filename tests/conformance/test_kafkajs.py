"""kafkajs, the client in JavaScript most programs on Node.js have: `tests/node`. Its consumer always joins a group."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.apache_kafka import absent
from tests.confluent import consumer, messages, sample
from tests.conformance.broker import Broker
from tests.conformance.checks import checks_of, covers
from tests.conformance.programs import WITHOUT_NULL_HEADERS, Verdicts, judge, run
from tests.samples import COMPRESSIONS

CLIENT = "kafkajs (Node.js)"
SOURCE = Path(__file__).parents[1] / "node"
CURE = "needs Node.js 18 and npm: apt-get install nodejs npm"

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def verdicts(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Verdicts:
    if shutil.which("node") is None or shutil.which("npm") is None:
        absent(CURE)
    directory = Path(tmp_path_factory.mktemp("node"))
    program = directory / "checks"
    shutil.copytree(SOURCE, program, ignore=shutil.ignore_patterns("node_modules"))
    install = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"],
        cwd=program,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert install.returncode == 0, install.stdout + install.stderr
    return run(["node", str(program / "index.js")], broker, directory, WITHOUT_NULL_HEADERS)


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
    found = [sample(each) for each in messages(reader, f"kafkajs-{codec}")]
    assert found == WITHOUT_NULL_HEADERS
    reader.close()
