"""Apache Kafka 4.3 itself: our strongest judge, started by the project's own means.

Maven brings Kafka's jars once into the user's cache; a node is one JVM in the combined KRaft role on loopback, a
tool is one short JVM. Both are what Kafka's shell scripts start, with heaps that suit a test machine.

On a machine without a JVM or Maven what needs them skips and says what to install; under `CI` it fails instead, so
that nothing is silently left out where everything should run.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import pytest

from tests.nodes import Node, Product

VERSION = "4.3.0"
LOG4J = "2.25.1"
CURE = "needs a JVM and Maven: apt-get install openjdk-17-jdk-headless maven"

POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>ottla</groupId><artifactId>apache-kafka</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>{VERSION}</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-shell</artifactId><version>{VERSION}</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-core</artifactId><version>{LOG4J}</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>{LOG4J}</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-1.2-api</artifactId><version>{LOG4J}</version></dependency>
  </dependencies>
</project>
"""

LOG4J_CONFIG = """Configuration:
  Appenders:
    Console: {name: STDERR, target: SYSTEM_ERR, PatternLayout: {pattern: "[%d] %p %m (%c)%n"}}
  Loggers:
    Root: {level: WARN, AppenderRef: [{ref: STDERR}]}
"""


def absent(what: str) -> NoReturn:
    """Skip the test for want of `what`; under `CI` fail it."""
    if os.environ.get("CI"):
        pytest.fail(what, pytrace=False)
    pytest.skip(what)


def missing() -> str | None:
    """What this machine lacks to run Apache Kafka, or None."""
    return None if shutil.which("java") and (_done().exists() or shutil.which("mvn")) else CURE


def jars() -> Path:
    """The folder of Kafka's jars and all they need, fetched by Maven on first use. Skips (CI: fails) without them."""
    lacking = missing()
    if lacking:
        absent(lacking)
    with _alone():
        if not _done().exists():
            _fetch()
    return _folder()


def fetched(artifact: str, version: str) -> Path:
    """The folder of another artifact of Apache Kafka and all it needs, fetched by Maven on first use."""
    jars()
    folder = _folder().with_name(f"{artifact}-{version}")
    folder.mkdir(parents=True, exist_ok=True)
    with _alone():
        if not (folder / ".done").exists():
            dependency = f"<groupId>org.apache.kafka</groupId><artifactId>{artifact}</artifactId>"
            (folder / "pom.xml").write_text(
                '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
                f"<groupId>ottla</groupId><artifactId>{artifact}</artifactId><version>1</version><dependencies>"
                f"<dependency>{dependency}<version>{version}</version></dependency></dependencies></project>"
            )
            _copy_jars(folder, f"{artifact} {version}")
    return folder


def java(main: str, *args: str, heap: str, quick: bool = False) -> list[str]:
    """The command line that runs one of Kafka's main classes. `quick` trades peak speed for a short start."""
    folder = jars()
    options = (
        ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
        if quick
        else ["-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35"]
    )
    return [
        "java",
        *heap.split(),
        *options,
        "-Djava.awt.headless=true",
        f"-Dlog4j2.configurationFile={folder / 'log4j2.yaml'}",
        "-cp",
        f"{folder}/*",
        main,
        *args,
    ]


def product(heap: str = "-Xms256m -Xmx512m", *, quick: bool = True) -> Product:
    """Apache Kafka as something a `Node` can run."""
    return Product(
        name="apache",
        format=java("kafka.tools.StorageTool", "format", heap="-Xmx128m", quick=True),
        server=java("kafka.Kafka", heap=heap, quick=quick),
    )


def start_kafka(
    directory: Path, heap: str = "-Xms256m -Xmx512m", properties: dict[str, str] | None = None
) -> Node:
    """One formatted node of Apache Kafka, ready to serve."""
    node = Node(directory, product(heap), properties or {})
    node.start()
    return node


def tool(
    main: str,
    args: Sequence[str],
    *,
    stdin: str | bytes | None = None,
    timeout: float = 60,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run one of Kafka's tools to its end; its output as text. With `check`, a failure shows what it printed."""
    done = subprocess.run(
        java(main, *args, heap="-Xmx256m", quick=True),
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        timeout=timeout,
        check=False,
    )
    answer = subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    )
    if check and answer.returncode:
        said = f"{answer.stdout}\n{answer.stderr}".strip()
        raise AssertionError(f"{main} {' '.join(args)} ended with {answer.returncode}:\n{said}")
    return answer


def _folder() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "ottla" / f"kafka-{VERSION}"


def _done() -> Path:
    return _folder() / ".done"


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Two test runs that start together fetch once."""
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch() -> None:
    folder = _folder()
    (folder / "pom.xml").write_text(POM)
    (folder / "log4j2.yaml").write_text(LOG4J_CONFIG)
    _copy_jars(folder, f"Apache Kafka {VERSION}")


def _copy_jars(folder: Path, what: str) -> None:
    """What the folder's pom.xml names, and all that needs."""
    command = ["mvn", "-q", "-B", "-f", str(folder / "pom.xml"), "dependency:copy-dependencies"]
    done = subprocess.run(
        [*command, f"-DoutputDirectory={folder}"], capture_output=True, text=True, timeout=900, check=False
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip()[-2000:]
        raise RuntimeError(f"Maven could not fetch {what}:\n{said}")
    (folder / ".done").touch()
