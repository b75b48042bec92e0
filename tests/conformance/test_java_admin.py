"""Kafka's admin tools, a hundred calls in a row on one node: the same words and exit codes as from Apache Kafka.

`java_admin.txt` holds the calls and what Apache Kafka 4.3 answered, with a mask over what no two runs share. All calls
run in one JVM.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.java_tools import Done, workbench
from tests.nodes import STANDALONE, Node, Product

pytestmark = pytest.mark.timeout(180)

TRANSCRIPT = Path(__file__).parent / "java_admin.txt"
RECORDING = bool(os.environ.get("OTTLA_TEST_RECORD"))

PACKAGES = {
    "ConfigCommand": "kafka.admin",
    "ConsumerGroupCommand": "org.apache.kafka.tools.consumer.group",
    "ReassignPartitionsCommand": "org.apache.kafka.tools.reassign",
    "ShareGroupCommand": "org.apache.kafka.tools.consumer.group",
    "StreamsGroupCommand": "org.apache.kafka.tools.streams",
}
MASKS = (
    (
        re.compile(
            r"(TopicId: |\"directoryId\": \"|directoryId=|^\d+ *\t)(?!A{21}Q)[\w-]{22}(?![\w-])", re.MULTILINE
        ),
        r"\1<id>",
    ),
    (re.compile(r"\b1[78]\d{11}\b"), "<ms>"),
    (re.compile(r"^((?:LeaderEpoch|HighWatermark|MaxFollowerLagTimeMs): +).*$", re.MULTILINE), r"\1<number>"),
    (
        re.compile(r"^(\d+ *\t\S+ *\t)\d+( *\t\d+ *\t)[^\t]*\t[^\t]*\t", re.MULTILINE),
        r"\1<end>\2<time>\t<time>\t",
    ),
    (re.compile(r"Epoch: \d+(?=$|\s*\()", re.MULTILINE), "Epoch: <epoch>"),
    (re.compile(r"^\[\d{4}-.*$\n", re.MULTILINE), ""),
    (re.compile(r"^\s+(?:at |\.\.\. \d+ more).*$\n?", re.MULTILINE), ""),
    (re.compile(r"[ \t]+$", re.MULTILINE), ""),
)
FILES = {
    "empty.properties": "",
    "topics.json": {"version": 1, "topics": [{"topic": "orders"}]},
    "same.json": {"version": 1, "partitions": [{"topic": "orders", "partition": 0, "replicas": [1]}]},
    "elsewhere.json": {"version": 1, "partitions": [{"topic": "orders", "partition": 0, "replicas": [7]}]},
    "nobody.json": {"version": 1, "partitions": [{"topic": "nobody", "partition": 0, "replicas": [1]}]},
    "offsets.json": {"version": 1, "partitions": [{"topic": "orders", "partition": 0, "offset": 5}]},
}


@dataclass
class Call:
    """One line of the transcript that begins with `$`, and the text under it."""

    line: str
    answer: str


def transcript() -> tuple[str, list[Call]]:
    """The head of the file, and its calls."""
    head, *parts = re.split(r"^\$ ", TRANSCRIPT.read_text(), flags=re.MULTILINE)
    calls = []
    for part in parts:
        line, _, answer = part.partition("\n")
        calls.append(Call(line, answer.rstrip("\n")))
    return head, calls


HEAD, CALLS = transcript()


def arguments(line: str, node: Node, home: Path) -> list[str]:
    """The main class and its arguments, told where the node is."""
    tool, *words = shlex.split(line.replace("HERE", str(home)))
    where = ["--bootstrap-server", node.bootstrap]
    if words and words[0] == "CONTROLLER":
        words.pop(0)
        where = ["--bootstrap-controller", f"127.0.0.1:{node.controller_port}"]
    main = f"{PACKAGES.get(tool, 'org.apache.kafka.tools')}.{tool}"
    # ClusterTool wants it behind its sub-command, others before theirs.
    return [main, *(words + where if tool == "ClusterTool" else where + words)]


def told(done: Done, node: Node, home: Path) -> str:
    def plain(text: str) -> str:
        for secret, name in (
            (str(home), "HERE"),
            (str(node.data), "DATA"),
            (f":{node.port}", ":PORT"),
            (f":{node.controller_port}", ":CONTROLLER_PORT"),
            (str(node.port), "PORT"),
            (str(node.controller_port), "CONTROLLER_PORT"),
        ):
            text = text.replace(secret, name)
        # Kafka lists a user's credentials in the order of a hash table.
        text = text.replace(
            "SCRAM-SHA-512=iterations=4096, SCRAM-SHA-256=iterations=4096",
            "SCRAM-SHA-256=iterations=4096, SCRAM-SHA-512=iterations=4096",
        )
        for pattern, mask in MASKS:
            text = pattern.sub(mask, text)
        return text.strip("\n")

    complaint = "".join(f"\n! {line}" for line in plain(done.err).splitlines())
    out = plain(done.out)
    return f"exit {done.code}" + (f"\n{out}" if out else "") + complaint


@pytest.fixture(scope="module")
def answers(product: Product, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """What the node under test answers to every call, in order."""
    home = Path(tmp_path_factory.mktemp("admin"))
    for name, content in FILES.items():
        (home / name).write_text(content if isinstance(content, str) else json.dumps(content))
    node = Node(home / "node", product.standalone(), STANDALONE)
    with workbench() as bench:
        try:
            node.start()
            found = []
            for call in CALLS:
                found.append(told(bench.run(*arguments(call.line, node, home)), node, home))
                if product.name == "apache" and "--alter" in call.line:
                    # Its brokers take up a change a little after they answered.
                    time.sleep(0.3)
        finally:
            node.kill()
    if RECORDING:
        assert product.name == "apache", "only Apache Kafka says what Apache Kafka says"
        parts = [f"$ {call.line}\n{answer}\n" for call, answer in zip(CALLS, found, strict=True)]
        TRANSCRIPT.write_text(HEAD + "\n".join(parts))
        pytest.skip(f"recorded {TRANSCRIPT}")
    yield found


@pytest.mark.parametrize("number", range(len(CALLS)), ids=[call.line for call in CALLS])
def test_answers_as_apache_kafka_does(answers: list[str], number: int) -> None:
    assert answers[number] == CALLS[number].answer
