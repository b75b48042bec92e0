"""Apache Kafka's own command-line tools and, inside them, its Java clients."""

from __future__ import annotations

import itertools
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.apache_kafka import tool
from tests.conformance.broker import Broker
from tests.conformance.checks import covers
from tests.nodes import CLUSTER_ID
from tests.samples import COMPRESSIONS

CLIENT = "Kafka's tools"
TOPICS = "org.apache.kafka.tools.TopicCommand"
CONFIGS = "kafka.admin.ConfigCommand"
PRODUCER = "org.apache.kafka.tools.ConsoleProducer"
CONSUMER = "org.apache.kafka.tools.consumer.ConsoleConsumer"
DUMP = "org.apache.kafka.tools.DumpLogSegments"
PERFORMANCE = "org.apache.kafka.tools.ProducerPerformance"
OFFSETS = "org.apache.kafka.tools.GetOffsetShell"


def ask(broker: Broker, main: str, *args: str, stdin: str | None = None, check: bool = True) -> str:
    """What a tool prints, told where the node is."""
    done = tool(main, ["--bootstrap-server", broker.bootstrap, *args], stdin=stdin, check=check)
    return done.stdout + ("" if check else done.stderr)


def write(broker: Broker, topic: str, lines: list[str], *args: str) -> None:
    ask(broker, PRODUCER, "--topic", topic, *args, stdin="".join(f"{each}\n" for each in lines))


def read(broker: Broker, topic: str, count: int, *args: str, offset: str = "earliest") -> list[str]:
    where = ["--topic", topic, "--partition", "0", "--offset", offset, "--max-messages", str(count)]
    return ask(broker, CONSUMER, *where, "--timeout-ms", "10000", *args).splitlines()


@covers(CLIENT, "create-topic", "describe-topic", "add-partitions", "delete-topic")
def test_topics_from_birth_to_death(broker: Broker) -> None:
    name = broker.name()
    made = ask(
        broker, TOPICS, "--create", "--topic", name, "--partitions", "2", "--config", "retention.ms=99999999"
    )
    assert f"Created topic {name}" in made
    assert name in ask(broker, TOPICS, "--list").split()
    ask(broker, TOPICS, "--alter", "--topic", name, "--partitions", "3")
    shown = ask(broker, TOPICS, "--describe", "--topic", name)
    assert re.search(r"PartitionCount: 3\s+ReplicationFactor: 1\s+Configs: .*retention.ms=99999999", shown)
    assert (
        len(re.findall(r"Partition: \d\s+Leader: 1\s+Replicas: 1\s+Isr: 1\s+Elr:\s+LastKnownElr:", shown))
        == 3
    )
    ask(broker, TOPICS, "--delete", "--topic", name)
    assert name not in ask(broker, TOPICS, "--list").split()


@covers(CLIENT, "topic-exists", "invalid-config")
def test_topic_mistakes_are_told(broker: Broker, topic: str) -> None:
    assert "already exists" in ask(broker, TOPICS, "--create", "--topic", topic, check=False)
    many = ask(broker, TOPICS, "--create", "--topic", "r2", "--replication-factor", "2", check=False)
    assert "InvalidReplicationFactorException" in many
    wrong = ask(broker, TOPICS, "--create", "--topic", "bad", "--config", "retention.ms=soon", check=False)
    assert "Invalid value soon for configuration retention.ms" in wrong


@covers(CLIENT, "alter-config")
def test_configs_of_topics_and_brokers(broker: Broker, topic: str) -> None:
    on_topic = ["--entity-type", "topics", "--entity-name", topic]
    ask(
        broker,
        CONFIGS,
        *on_topic,
        "--alter",
        "--add-config",
        "cleanup.policy=[compact,delete],segment.ms=3600000",
    )
    shown = ask(broker, CONFIGS, *on_topic, "--describe")
    assert "cleanup.policy=compact,delete" in shown
    assert "segment.ms=3600000 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:segment.ms=3600000" in shown
    ask(broker, CONFIGS, *on_topic, "--alter", "--delete-config", "segment.ms")
    assert "segment.ms=" not in ask(broker, CONFIGS, *on_topic, "--describe")
    everything = ask(broker, CONFIGS, "--entity-type", "brokers", "--entity-name", "1", "--describe", "--all")
    # The tool itself lets go of a few settings that have no value.
    assert len(re.findall(r"^  \S+=", everything, re.MULTILINE)) > 250
    assert (
        "  num.network.threads=3 sensitive=false synonyms={DEFAULT_CONFIG:num.network.threads=3}"
        in everything
    )


@covers(CLIENT, *COMPRESSIONS)
@pytest.mark.parametrize("codec", COMPRESSIONS)
def test_console_producer_and_consumer(broker: Broker, topic: str, codec: str) -> None:
    lines = [f"line {n} " + "x" * (n % 50) for n in range(1000)]
    write(broker, topic, lines, "--compression-codec", codec)
    assert read(broker, topic, 1000) == lines


@covers(CLIENT, "headers", "nulls", "create-time", "seek-offset", "seek-beginning")
def test_keys_headers_offsets_and_timestamps(broker: Broker, topic: str) -> None:
    write(
        broker,
        topic,
        ["h1:v1,h2:v2\tk1\tone", "h3:v3\tk2\tNIL"],
        *("--reader-property", "parse.key=true", "--reader-property", "parse.headers=true"),
        *("--reader-property", "null.marker=NIL"),
    )
    shown = ["key", "headers", "offset", "partition", "timestamp"]
    asked = [word for each in shown for word in ("--formatter-property", f"print.{each}=true")]
    got = read(broker, topic, 2, *asked)
    assert [re.sub(r"\d{13}", "T", each) for each in got] == [
        "CreateTime:T\tPartition:0\tOffset:0\th1:v1,h2:v2\tk1\tone",
        "CreateTime:T\tPartition:0\tOffset:1\th3:v3\tk2\tnull",
    ]
    assert read(broker, topic, 1, offset="1") == ["null"]


@covers(CLIENT, "list-offsets")
def test_offsets_of_a_topic(broker: Broker) -> None:
    topic = broker.topic(partitions=2)
    write(broker, topic, ["a", "b", "c"], "--reader-property", "parse.key=false", "--sync")
    offsets = "org.apache.kafka.tools.GetOffsetShell"
    latest = ask(broker, offsets, "--topic", topic).split()
    assert [each.rsplit(":", 1)[0] for each in latest] == [f"{topic}:0", f"{topic}:1"]
    assert sum(int(each.rsplit(":", 1)[1]) for each in latest) == 3
    assert ask(broker, offsets, "--topic", topic, "--time", "earliest").split() == [
        f"{topic}:0:0",
        f"{topic}:1:0",
    ]
    newest = ask(broker, offsets, "--topic", topic, "--time", "max-timestamp").split()
    assert max(int(each.rsplit(":", 1)[1]) for each in newest) >= 0


@covers(CLIENT, "delete-records")
def test_deletes_records(broker: Broker, topic: str, tmp_path: Path) -> None:
    write(broker, topic, [str(n) for n in range(10)])
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"version": 1, "partitions": [{"topic": topic, "partition": 0, "offset": 4}]}))
    shown = ask(broker, "org.apache.kafka.tools.DeleteRecordsCommand", "--offset-json-file", str(plan))
    assert f"partition: {topic}-0\tlow_watermark: 4" in shown
    assert read(broker, topic, 6) == ["4", "5", "6", "7", "8", "9"]


@covers(CLIENT, "log-dirs")
def test_describes_log_dirs(broker: Broker, topic: str) -> None:
    write(broker, topic, ["x" * 1000])
    shown = ask(broker, "org.apache.kafka.tools.LogDirsCommand", "--describe", "--topic-list", topic)
    [directory] = json.loads(next(line for line in shown.splitlines() if line.startswith("{")))["brokers"][0][
        "logDirs"
    ]
    assert directory["logDir"] == str(broker.node.data)
    assert directory["error"] is None
    [replica] = directory["partitions"]
    assert (replica["partition"], replica["offsetLag"], replica["isFuture"]) == (f"{topic}-0", 0, False)
    log = broker.node.data / f"{topic}-0" / "00000000000000000000.log"
    assert replica["size"] == log.stat().st_size > 1000


def test_describes_the_quorum(broker: Broker) -> None:
    status = ask(broker, "org.apache.kafka.tools.MetadataQuorumCommand", "describe", "--status")
    said = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    assert said["ClusterId"].strip() == CLUSTER_ID
    assert said["LeaderId"].strip() == "1"
    assert said["MaxFollowerLag"].strip() == "0"
    assert '"id": 1' in said["CurrentVoters"]
    replication = ask(broker, "org.apache.kafka.tools.MetadataQuorumCommand", "describe", "--replication")
    assert re.search(r"^1\s+\S+\s+\d+\s+0\s+.*Leader", replication, re.MULTILINE)


def test_describes_features(broker: Broker) -> None:
    shown = ask(broker, "org.apache.kafka.tools.FeatureCommand", "describe")
    levels = dict(re.findall(r"^Feature: (\S+)\s.*FinalizedVersionLevel: (\S+)\s", shown, re.MULTILINE))
    assert levels == {
        "eligible.leader.replicas.version": "1",
        "group.version": "1",
        "kraft.version": "0",
        "metadata.version": "4.3-IV0",
        "share.version": "1",
        "streams.version": "1",
        "transaction.version": "2",
    }


@covers(CLIENT, "describe-cluster")
def test_broker_api_versions(broker: Broker) -> None:
    shown = ask(broker, "org.apache.kafka.tools.BrokerApiVersionsCommand")
    assert f"{broker.bootstrap} (id: 1 rack: null isFenced: false) -> (" in shown
    for line in (
        "Produce(0): 0 to 13 [usable: 13]",
        "Fetch(1): 4 to 18 [usable: 18]",
        "Metadata(3): 0 to 13",
    ):
        assert line in shown


@covers(CLIENT, "describe-cluster")
def test_reads_the_cluster_id(broker: Broker) -> None:
    done = tool("org.apache.kafka.tools.ClusterTool", ["cluster-id", "--bootstrap-server", broker.bootstrap])
    assert done.stdout.strip() == f"Cluster ID: {CLUSTER_ID}"


def test_elects_and_reassigns_where_nothing_is_to_do(broker: Broker, topic: str, tmp_path: Path) -> None:
    elections = "org.apache.kafka.tools.LeaderElectionCommand"
    shown = ask(broker, elections, "--election-type", "preferred", "--topic", topic, "--partition", "0")
    assert f"Valid replica already elected for partitions {topic}-0" in shown
    plan = tmp_path / "plan.json"
    plan.write_text(
        json.dumps({"version": 1, "partitions": [{"topic": topic, "partition": 0, "replicas": [1]}]})
    )
    reassign = "org.apache.kafka.tools.reassign.ReassignPartitionsCommand"
    ask(broker, reassign, "--reassignment-json-file", str(plan), "--execute")
    shown = ask(broker, reassign, "--reassignment-json-file", str(plan), "--verify")
    assert f"Reassignment of partition {topic}-0 is completed." in shown


def test_dumps_the_log_of_a_live_topic(broker: Broker, topic: str) -> None:
    write(
        broker,
        topic,
        ["k1\tv1", "k2\tv2"],
        "--reader-property",
        "parse.key=true",
        "--compression-codec",
        "zstd",
    )
    log = broker.node.data / f"{topic}-0" / "00000000000000000000.log"
    shown = tool(DUMP, ["--files", str(log), "--print-data-log", "--deep-iteration"]).stdout
    assert re.findall(r"offset: (\d+) .* key: (\S+) payload: (\S+)", shown) == [
        ("0", "k1", "v1"),
        ("1", "k2", "v2"),
    ]
    assert "compresscodec: zstd" in shown
    assert "isvalid: true" in shown
    assert "isvalid: false" not in shown


def test_producer_performance(broker: Broker, topic: str) -> None:
    shown = tool(
        "org.apache.kafka.tools.ProducerPerformance",
        [
            *("--topic", topic, "--num-records", "50000", "--record-size", "200", "--throughput", "-1"),
            *("--command-property", f"bootstrap.servers={broker.bootstrap}", "acks=all"),
        ],
    ).stdout
    assert "50000 records sent" in shown
    ends = ask(broker, "org.apache.kafka.tools.GetOffsetShell", "--topic", topic).strip()
    assert ends == f"{topic}:0:50000"


def perform(broker: Broker, topic: str, count: int, *settings: str) -> str:
    """Send `count` records with Kafka's load generator."""
    return tool(
        PERFORMANCE,
        [
            *("--topic", topic, "--num-records", str(count), "--record-size", "100", "--throughput", "-1"),
            *("--command-property", f"bootstrap.servers={broker.bootstrap}", *settings),
        ],
    ).stdout


@covers(CLIENT, "acks-0", "acks-1", "acks-all")
@pytest.mark.parametrize("acks", ["0", "1", "all"])
def test_acknowledged_by_nobody_by_one_and_by_all(broker: Broker, topic: str, acks: str) -> None:
    write(broker, topic, ["one", "two"], "--request-required-acks", acks)
    assert read(broker, topic, 2) == ["one", "two"]


@covers(CLIENT, "megabyte", "append-time")
def test_a_line_of_a_megabyte_with_the_brokers_time(broker: Broker) -> None:
    topic = broker.topic(configs={"message.timestamp.type": "LogAppendTime"})
    line = "0123456789" * 99_990
    write(broker, topic, [line], "--max-memory-bytes", "4000000", "--max-partition-memory-bytes", "2000000")
    [got] = read(broker, topic, 1, "--formatter-property", "print.timestamp=true")
    kind, _, rest = got.partition(":")
    assert kind == "LogAppendTime"
    assert rest.split("\t")[1] == line


@covers(CLIENT, "idempotent", "many-partitions", "concurrent")
def test_idempotent_load_at_once_on_many_partitions(broker: Broker) -> None:
    topic = broker.topic(partitions=50)
    with ThreadPoolExecutor(2) as pool:
        shown = list(pool.map(lambda _: perform(broker, topic, 20_000, "enable.idempotence=true"), range(2)))
    assert all("20000 records sent" in each for each in shown)
    ends = dict(line.rsplit(":", 1) for line in ask(broker, OFFSETS, "--topic", topic).split())
    assert set(ends) == {f"{topic}:{number}" for number in range(50)}
    assert sum(map(int, ends.values())) == 40_000
    place = max(range(50), key=lambda number: int(ends[f"{topic}:{number}"]))
    log = broker.node.data / f"{topic}-{place}" / "00000000000000000000.log"
    dumped = tool(DUMP, ["--files", str(log)]).stdout
    sequences: dict[str, list[tuple[int, int]]] = {}
    for base, last, producer in re.findall(
        r"baseSequence: (\d+) lastSequence: (\d+) producerId: (\d+)", dumped
    ):
        sequences.setdefault(producer, []).append((int(base), int(last)))
    assert sequences
    for batches in sequences.values():
        assert batches[0][0] == 0
        assert all(first[1] + 1 == second[0] for first, second in itertools.pairwise(batches))


@covers(CLIENT, "seek-end", "out-of-range")
def test_from_the_end_and_from_beyond_it(broker: Broker, topic: str) -> None:
    write(broker, topic, ["one"])
    for offset, wanted in (
        ("latest", "Processed a total of 0 messages"),
        ("100", "OffsetOutOfRangeException"),
    ):
        shown = ask(
            broker,
            CONSUMER,
            *("--topic", topic, "--partition", "0", "--offset", offset, "--timeout-ms", "3000"),
            *("--command-property", "auto.offset.reset=none"),
            check=False,
        )
        assert wanted in shown, shown


@covers(CLIENT, "unknown-topic", "too-large", "partition-count")
def test_refusals_are_told(broker: Broker) -> None:
    name = broker.name()
    gone = ask(broker, TOPICS, "--describe", "--topic", name, check=False)
    assert f"Topic '{name}' does not exist as expected" in gone
    none = ask(broker, TOPICS, "--create", "--topic", name, "--partitions", "0", check=False)
    assert "The partitions must be greater than 0" in none
    topic = broker.topic(partitions=3, configs={"max.message.bytes": "1000"})
    fewer = ask(broker, TOPICS, "--alter", "--topic", topic, "--partitions", "2", check=False)
    assert "InvalidPartitionsException" in fewer
    large = ask(broker, PRODUCER, "--topic", topic, stdin="x" * 5000 + "\n", check=False)
    assert "RecordTooLargeException" in large


def test_dumps_indexes_that_fit_their_log(broker: Broker) -> None:
    topic = broker.topic(configs={"index.interval.bytes": "100"})
    perform(broker, topic, 2000, "batch.size=300", "linger.ms=0")
    log = broker.node.data / f"{topic}-0" / "00000000000000000000"
    shown = tool(DUMP, ["--files", f"{log}.index,{log}.timeindex", "--verify-index-only"]).stdout
    # Kafka's words for what does not fit.
    assert not re.search(
        r"[Mm]ismatch|[Nn]on-consecutive|corrupt|[Ff]ound timestamp|[Oo]ut of order", shown
    ), shown
    offsets = re.findall(
        r"^offset: (\d+) position: (\d+)", tool(DUMP, ["--files", f"{log}.index"]).stdout, re.MULTILINE
    )
    assert len(offsets) > 100
    assert [int(each) for each, _ in offsets] == sorted({int(each) for each, _ in offsets})


def test_dumps_the_metadata_log(broker: Broker, topic: str) -> None:
    log = broker.node.data / "__cluster_metadata-0" / "00000000000000000000.log"
    shown = tool(DUMP, ["--files", str(log), "--cluster-metadata-decoder"]).stdout
    payloads = [json.loads(each) for each in re.findall(r"payload: (\{.*\})", shown)]
    kinds = {each["type"] for each in payloads}
    assert {"REGISTER_BROKER_RECORD", "FEATURE_LEVEL_RECORD", "TOPIC_RECORD", "PARTITION_RECORD"} <= kinds
    assert topic in [each["data"]["name"] for each in payloads if each["type"] == "TOPIC_RECORD"]
