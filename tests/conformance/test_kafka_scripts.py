"""Our scripts under Kafka's names, line by line beside Kafka's own tools on the same cluster.

What only looks is asked twice of the same things; what changes something is done by ours to one topic and group and by
Kafka's to another, and names are masked.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ottla.cli.kafka.tools import TOOLS, run_tool
from ottla.client.blocking import Producer
from tests.conformance.broker import Broker
from tests.conformance.test_own_commands import OTTLA, run
from tests.java_tools import Done, Workbench, workbench
from tests.samples import SECONDS

pytestmark = pytest.mark.timeout(180)

MAIN = {
    "kafka-delete-records": "org.apache.kafka.tools.DeleteRecordsCommand",
    "kafka-get-offsets": "org.apache.kafka.tools.GetOffsetShell",
    "kafka-groups": "org.apache.kafka.tools.GroupsCommand",
    "kafka-log-dirs": "org.apache.kafka.tools.LogDirsCommand",
    "kafka-topics": "org.apache.kafka.tools.TopicCommand",
    "kafka-consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
}


def ours(tool: str, *words: str) -> Done:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run_tool(tool, list(words))
    return Done(code, out.getvalue(), err.getvalue())


class Pair:
    """Ours and Kafka's, and the names that each of them works on."""

    def __init__(self, broker: Broker, bench: Workbench, own: str, other: str) -> None:
        self.broker = broker
        self.bench = bench
        self.own, self.other = own, other
        self.wrong: list[object] = []

    def both(self, tool: str, *words: str) -> tuple[Done, Done]:
        """NAME in the words is each one's own name."""
        where = () if "--validate-regex" in words else ("--bootstrap-server", self.broker.bootstrap)
        mine = ours(tool, *where, *(word.replace("NAME", self.own) for word in words))
        theirs = self.bench.run(MAIN[tool], *where, *(word.replace("NAME", self.other) for word in words))
        return masked(mine, self.own, self.other), masked(theirs, self.other, self.own)

    def same(self, tool: str, *words: str) -> None:
        mine, theirs = self.both(tool, *words)
        if (mine.code, lines(mine.out), mine.err) != (theirs.code, lines(theirs.out), theirs.err):
            self.wrong.append((words, mine, theirs))

    def same_refusal(self, tool: str, *words: str) -> None:
        """Up to the help, whose words are our own."""
        mine, theirs = self.both(tool, *words)
        assert (mine.code, mine.out, first(mine.err)) == (theirs.code, theirs.out, first(theirs.err)), words


def first(text: str) -> str:
    return text.partition("\n")[0]


def lines(text: str) -> list[str]:
    """Kafka's tools print some lists in the order of a hash table."""
    return sorted(text.split("\n"))


LOGGED = re.compile(r"^(\[\d{4}-|WARN|\s+at |\s*\.\.\. \d+ more|Caused by|java\.|org\.apache\.| \(|$)")
"""What Kafka's logging adds to stderr, traces of its stack among it; and its advice where we have a line of our own."""


def masked(done: Done, name: str, other: str) -> Done:
    """Names, ids, sentences of errors, and the order in which a hash table gave things out."""

    def mask(text: str) -> str:
        text = re.sub(r"TopicId: \S+", "TopicId: ID", text.replace(name, "NAME").replace(other, "OTHER"))
        text = re.sub(r"(org\.apache\.kafka\.common\.errors\.\w+): .*", r"\1", text)
        text = re.sub(r"(?m)^\{.*\}$", lambda found: json.dumps(json.loads(found[0]), sort_keys=True), text)
        text = re.sub(r"Configs: (.*)", lambda found: ",".join(sorted(found[1].split(","))), text)
        return re.sub(r"options: (.*)", lambda found: ",".join(sorted(found[1].split(", "))), text)

    err = [line for line in done.err.splitlines(True) if not LOGGED.match(line)]
    return Done(done.code, mask(done.out), mask("".join(err)))


@pytest.fixture(scope="module")
def bench() -> Iterator[Workbench]:
    with workbench() as found:
        yield found


@pytest.fixture
def pair(broker: Broker, bench: Workbench) -> Iterator[Pair]:
    own, other = broker.name(), broker.name()
    while len(own) != len(other):  # so that columns are equally wide
        own, other = broker.name(), broker.name()
    found = Pair(broker, bench, own, other)
    yield found
    assert not found.wrong, "\n".join(map(str, found.wrong))


def test_topics(pair: Pair) -> None:
    tool = "kafka-topics"
    pair.same(tool, "--create", "--topic", "NAME", "--partitions", "2", "--config", "retention.ms=100000")
    pair.same(tool, "--create", "--topic", "NAME")
    pair.same(tool, "--create", "--topic", "NAME", "--if-not-exists")
    pair.same(tool, "--list", "--topic", "NAME")
    pair.same(tool, "--list", "--exclude-internal")
    pair.same(tool, "--describe", "--topic", "NAME")
    pair.same(tool, "--describe", "--topics-with-overrides", "--topic", "NAME")
    for report in ("under-replicated", "unavailable", "under-min-isr", "at-min-isr"):
        pair.same(tool, "--describe", "--topic", "NAME", f"--{report}-partitions")
    pair.same(tool, "--alter", "--topic", "NAME", "--partitions", "4")
    pair.same(tool, "--alter", "--topic", "NAME", "--partitions", "3")
    pair.same(tool, "--describe", "--topic=NAME")
    pair.same(tool, "--describe", "--topic", "NAME-x")
    pair.same(tool, "--describe", "--topic", "NAME-x", "--if-exists")
    pair.same(tool, "--create", "--topic", "NAME-y", "--replica-assignment", "1,1,1")
    pair.same(tool, "--create", "--topic", "NAME-z", "--partitions", "0")
    pair.same(tool, "--create", "--topic", "NAME-z", "--replication-factor", "0")
    pair.same(tool, "--create", "--topic", "NAME-z", "--replication-factor", "9")
    pair.same(tool, "--create", "--topic", "NAME.z_z", "--partitions", "1")
    pair.same(tool, "--create", "--topic", "NAME-z", "--config", "nonsense")
    pair.same(tool, "--delete", "--topic", "NAME.*")
    pair.same(tool, "--delete", "--topic", "NAME")
    pair.same(tool, "--delete", "--topic", "NAME", "--if-exists")


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--list", "--create"),
        ("--create",),
        ("--alter", "--topic", "NAME"),
        ("--list", "--partitions", "3"),
        ("--create", "--topic", "NAME", "--partitions", "1", "--replica-assignment", "1"),
        ("--list", "--if-exists"),
        ("--describe", "--topic", "NAME", "--under-min-isr-partitions", "--topics-with-overrides"),
        ("--nonsense",),
        ("--descr", "--topic", "NAME"),
        ("--topic",),
        ("--create", "--topic", "NAME", "--partitions", "many"),
        ("--create", "--topic", "NAME", "--topic", "NAME"),
    ],
)
def test_what_topics_refuses(pair: Pair, words: tuple[str, ...]) -> None:
    pair.same_refusal("kafka-topics", *words)


def test_consumer_groups(pair: Pair, tmp_path: Path) -> None:
    tool = "kafka-consumer-groups"
    for name in (pair.own, pair.other):
        run(pair.broker, "topic", "create", name, "-p", "2")
        run(pair.broker, "produce", name, "-p", "0", stdin=b"a\nb\nc\n")
        run(pair.broker, "produce", name, "-p", "1", stdin=b"d\ne\n")
        run(pair.broker, "consume", name, "--group", name, "-n", "5")
    group = ("--group", "NAME")
    pair.same(tool, "--describe", *group)
    for scenario in (
        ("--to-earliest",),
        ("--to-latest",),
        ("--to-current",),
        ("--to-offset", "1"),
        ("--to-offset", "99"),
        ("--shift-by", "-2"),
        ("--shift-by", "-99"),
        ("--by-duration", "PT1H"),
        ("--to-datetime", "2020-01-01T00:00:00.000"),
    ):
        pair.same(tool, *group, "--reset-offsets", "--all-topics", "--dry-run", *scenario)
    pair.same(tool, *group, "--reset-offsets", "--topic", "NAME:1", "--dry-run", "--to-earliest")
    pair.same(tool, *group, "--reset-offsets", "--all-topics", "--dry-run", "--to-earliest", "--export")
    pair.same(tool, *group, "--reset-offsets", "--all-topics", "--execute", "--to-earliest")
    pair.same(tool, "--describe", *group)
    for name in (pair.own, pair.other):
        (tmp_path / f"{name}.csv").write_text(f"{name},0,2\n{name},1,1\n")
    pair.same(tool, *group, "--reset-offsets", "--from-file", f"{tmp_path}/NAME.csv", "--execute")
    pair.same(tool, "--describe", *group)
    pair.same(tool, "--delete-offsets", *group, "--topic", "NAME:0")
    pair.same(tool, "--describe", *group)
    pair.same(tool, "--delete", *group)
    pair.same(tool, "--delete", *group)
    pair.same(tool, "--validate-regex", "a.*b")


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--list", "--describe"),
        ("--describe",),
        ("--describe", "--group", "NAME", "--members", "--offsets"),
        ("--describe", "--group", "NAME", "--state", "Empty"),
        ("--delete",),
        ("--delete-offsets", "--group", "NAME"),
        ("--reset-offsets", "--to-earliest"),
        ("--reset-offsets", "--group", "NAME", "--execute", "--dry-run"),
        ("--reset-offsets", "--group", "NAME", "--dry-run", "--to-earliest", "--to-latest", "--all-topics"),
        ("--describe", "--group", "NAME", "--all-groups"),
    ],
)
def test_what_consumer_groups_refuses(pair: Pair, words: tuple[str, ...]) -> None:
    pair.same_refusal("kafka-consumer-groups", *words)


@pytest.mark.parametrize(
    "words",
    [
        ("--list",),
        ("--list", "--consumer"),
        ("--list", "--share"),
        ("--list", "--streams"),
        ("--list", "--group-type", "Classic"),
        ("--list", "--protocol", "consumer"),
    ],
)
def test_groups(pair: Pair, words: tuple[str, ...]) -> None:
    for name in (pair.own, pair.other):
        run(pair.broker, "topic", "create", name)
        run(pair.broker, "consume", name, "--group", name, "-e")
    pair.same("kafka-groups", *words)


@pytest.mark.parametrize(
    "words", [(), ("--list", "--share", "--consumer"), ("--list", "--group-type", "x"), ("--share",)]
)
def test_what_groups_refuses(pair: Pair, words: tuple[str, ...]) -> None:
    pair.same_refusal("kafka-groups", *words)


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--topic-list", "NAME"),
        ("--describe", "--broker-list", "9"),
        ("--describe", "--broker-list", "x"),
    ],
)
def test_what_log_dirs_refuses(pair: Pair, words: tuple[str, ...]) -> None:
    pair.same_refusal("kafka-log-dirs", *words)


def test_log_dirs(pair: Pair) -> None:
    run(pair.broker, "topic", "create", pair.own, "-p", "1")
    run(pair.broker, "topic", "create", pair.other, "-p", "1")
    pair.same("kafka-log-dirs", "--describe", "--topic-list", "NAME")
    pair.same("kafka-log-dirs", "--describe", "--topic-list", "NAME", "--broker-list", "1")


def test_scripts_are_installed_and_run(broker: Broker, topic: str, tmp_path: Path) -> None:
    home = tmp_path / "bin"
    subprocess.run([*OTTLA, "scripts", str(home)], check=True, timeout=SECONDS)
    assert {path.name for path in home.iterdir()} == {f"{name}.sh" for name in TOOLS}
    command = [str(home / "kafka-topics.sh"), "--bootstrap-server", broker.bootstrap, "--list"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=SECONDS)
    assert topic in done.stdout.split()
    again = subprocess.run([*OTTLA, "scripts", str(home)], capture_output=True, check=False, timeout=SECONDS)
    assert again.returncode == 1
    assert b"is there already" in again.stderr
    assert os.access(home / "kafka-consumer-groups.sh", os.X_OK)


@pytest.mark.parametrize(
    "words",
    [("--command-config", "FILE"), ("--command-config", "none.properties")],
    ids=["nobody", "no file"],
)
@pytest.mark.parametrize("tool", sorted(MAIN))
def test_a_cluster_that_cannot_be_reached(
    bench: Workbench, tmp_path: Path, tool: str, words: tuple[str, ...]
) -> None:
    """The exit code, and where the reason is told behind which words; the reason itself is ours to word."""
    settings = tmp_path / "short.properties"
    settings.write_text("default.api.timeout.ms=2000\nrequest.timeout.ms=1500\n")
    which = tmp_path / "offsets.json"
    which.write_text('{"partitions": [{"topic": "t", "partition": 0, "offset": 1}]}')
    action = {
        "kafka-log-dirs": ("--describe",),
        "kafka-get-offsets": (),
        "kafka-delete-records": ("--offset-json-file", str(which)),
    }.get(tool, ("--list",))
    given = (
        "--bootstrap-server",
        "127.0.0.1:1",
        *(str(settings) if word == "FILE" else word for word in words),
    )
    mine, theirs = ours(tool, *given, *action), bench.run(MAIN[tool], *given, *action)
    assert mine.code == theirs.code
    assert mine.out.count("\n") == theirs.out.count("\n")
    prefix = TOOLS[tool].failed.strip()
    assert (prefix in theirs.out) == (prefix in mine.out)
    assert bool(mine.err) == (not theirs.out)
    assert "Traceback" not in mine.err


@pytest.fixture
def filled(pair: Pair) -> Pair:
    """Two topics of two partitions, with three and two records, all of another millisecond."""
    for name in (pair.own, pair.other):
        run(pair.broker, "topic", "create", name, "-p", "2")
        with Producer(bootstrap_servers=pair.broker.bootstrap) as producer:
            for number in range(5):
                producer.send(name, b"x", partition=number % 2, timestamp=1_000 + number)
            producer.flush()
    return pair


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--time", "earliest"),
        ("--time", "-3"),
        ("--time", "1002"),
        ("--time", "99999999999999"),
        ("--time", "latest-tiered"),
        ("--partitions", "1"),
        ("--partitions", "0,1,"),
    ],
)
def test_get_offsets_of_a_topic(filled: Pair, words: tuple[str, ...]) -> None:
    filled.same("kafka-get-offsets", "--topic", "NAME", *words)


@pytest.mark.parametrize("rules", ["NAME", "NAME:0", "NAME:0-1", "NAME:1-", "NAME:-1", "NAME:0,NAME:1"])
def test_get_offsets_by_rules(filled: Pair, rules: str) -> None:
    filled.same("kafka-get-offsets", "--topic-partitions", rules)


def test_get_offsets_of_all(broker: Broker, bench: Workbench, topic: str) -> None:
    twelve = broker.topic(12)
    for words in (
        (),
        ("--exclude-internal-topics",),
        ("--topic", f"{topic}|{twelve}|no.*", "--time", "latest"),
    ):
        given = ("--bootstrap-server", broker.bootstrap, *words)
        mine, theirs = ours("kafka-get-offsets", *given), bench.run(MAIN["kafka-get-offsets"], *given)
        assert (mine.code, mine.out) == (theirs.code, theirs.out)
        assert f"{topic}:0:0\n" in mine.out


@pytest.mark.parametrize(
    "words",
    [
        ("--time", "soon"),
        ("--time", "99999999999999999999"),
        ("--topic", "no-such-topic"),
        ("--partitions", "0,x"),
        ("--topic-partitions", "NAME:0", "--topic", "NAME"),
        ("--offset", "3"),
    ],
)
def test_what_get_offsets_refuses(pair: Pair, words: tuple[str, ...]) -> None:
    pair.same_refusal("kafka-get-offsets", *words)


def deletion(*rows: tuple[str, int, int]) -> str:
    partitions = [
        {"topic": topic, "partition": partition, "offset": offset} for topic, partition, offset in rows
    ]
    return json.dumps({"partitions": partitions, "version": 1})


@pytest.mark.parametrize("rows", [[(0, 1)], [(1, -1), (0, 2)], [(0, 99)], []])
def test_delete_records(filled: Pair, tmp_path: Path, rows: list[tuple[int, int]]) -> None:
    for name in (filled.own, filled.other):
        (tmp_path / name).write_text(deletion(*((name, *row) for row in rows)))
    filled.same("kafka-delete-records", "--offset-json-file", f"{tmp_path}/NAME")
    filled.same("kafka-get-offsets", "--topic", "NAME", "--time", "earliest")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"version": 2, "partitions": []}',
        '{"version": 1}',
        '{"partitions": [{"topic": "t"}], "version": 1}',
        deletion(("t", 0, 1), ("t", 0, 2)),
    ],
)
def test_what_delete_records_refuses(pair: Pair, tmp_path: Path, text: str) -> None:
    file = tmp_path / "offsets.json"
    file.write_text(text)
    mine, theirs = pair.both("kafka-delete-records", "--offset-json-file", str(file))
    assert (mine.code, mine.out, first(mine.err)) == (theirs.code, theirs.out, first(theirs.err))


def test_delete_records_names_the_file_that_is_not_there(pair: Pair) -> None:
    pair.same_refusal("kafka-delete-records", "--offset-json-file", "none.json")
    pair.same_refusal("kafka-delete-records")
