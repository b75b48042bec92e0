"""Kafka's own clients for Java: `KafkaProducer`, `KafkaConsumer`, `Admin`: `tests/java/checks`."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.apache_kafka import absent, jars, java
from tests.confluent import consumer, messages, sample
from tests.conformance.broker import Broker
from tests.conformance.checks import checks_of, covers
from tests.conformance.programs import Verdicts, judge, run
from tests.java_tools import CURE
from tests.samples import COMPRESSIONS, SAMPLES

CLIENT = "Java kafka-clients"
SOURCE = Path(__file__).parents[1] / "java" / "checks"

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def verdicts(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Verdicts:
    folder = jars()
    if shutil.which("javac") is None:
        absent(CURE)
    directory = Path(tmp_path_factory.mktemp("java"))
    classes = directory / "classes"
    build = subprocess.run(
        ["javac", "-proc:none", "-cp", f"{folder}/*", "-d", str(classes), *map(str, SOURCE.glob("*.java"))],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert build.returncode == 0, build.stderr
    command = java("checks.Main", heap="-Xmx256m", quick=True)
    place = command.index("-cp") + 1
    command[place] += os.pathsep + str(classes)
    return run(command, broker, directory, SAMPLES)


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
    assert [sample(each) for each in messages(reader, f"java-{codec}")] == SAMPLES
    reader.close()
