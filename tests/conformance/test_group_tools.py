"""Kafka's tools for groups and transactions while there are some: members at work, a transaction that hangs.

What they say of groups without members, and of what is not there, is compared word for word in `test_java_admin.py`.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from ottla.core.records.build import build
from ottla.core.records.record import Record
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from ottla.core.wire.messages.produce import (
    PartitionProduceData,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
)
from tests.apache_kafka import java, tool
from tests.confluent import confluent_kafka, producer
from tests.conformance.broker import Broker
from tests.conformance.checks import covers
from tests.conformance.test_describe_configs import call
from tests.conformance.test_groups import PARTITIONS, fill, new_group
from tests.conformance.test_java_tools import CLIENT, CONFIGS, CONSUMER, PERFORMANCE, ask
from tests.members import Member
from tests.samples import SECONDS
from tests.waiting import until

pytestmark = pytest.mark.timeout(180)

CONSUMER_GROUPS = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
GROUPS = "org.apache.kafka.tools.GroupsCommand"
TRANSACTIONS = "org.apache.kafka.tools.TransactionsCommand"
DAY_MS = 86_400_000


def table(text: str) -> list[dict[str, str]]:
    """What a tool prints in columns: a dict for each line, by the names in the first one."""
    lines = [line for line in text.splitlines() if line.strip()]
    return [dict(zip(_cells(lines[0]), _cells(line), strict=False)) for line in lines[1:]]


def _cells(line: str) -> list[str]:
    """Some tools set columns apart by tabs, and leave cells empty; others by spaces."""
    return [cell.strip() for cell in line.split("\t")] if "\t" in line else line.split()


@covers(CLIENT, "group-admin")
def test_groups_with_members(broker: Broker) -> None:
    topic, group = broker.topic(PARTITIONS), new_group()
    fill(broker, topic, 60)
    member = Member(broker, topic, group, **{"client.id": "reader"})
    until(lambda: len(member.values) == 60, "records are missing")
    try:
        until(lambda: _lag(broker, group) == 0, "the offsets were not committed")
        about = ["--describe", "--group", group]
        (line, *rest) = table(ask(broker, CONSUMER_GROUPS, *about, "--members", "--verbose"))
        assert not rest
        assert (line["GROUP"], line["CLIENT-ID"], line["#PARTITIONS"]) == (group, "reader", str(PARTITIONS))
        assert line["CONSUMER-ID"].startswith("reader-")
        shown = ask(broker, CONSUMER_GROUPS, *about, "--members", "--verbose")
        assert f"{topic}:0,1,2,3,4,5" in shown
        state = ask(broker, CONSUMER_GROUPS, *about, "--state")
        assert re.search(rf"^{group}\s+\S+\s+\(1\)\s+range\s+Stable\s+1\s*$", state, re.MULTILINE)
        assert re.search(rf"^{group}\s+Classic\s+consumer\s*$", ask(broker, GROUPS, "--list"), re.MULTILINE)
        refused = ask(broker, CONSUMER_GROUPS, "--delete", "--group", group, check=False)
        assert "GroupNotEmptyException" in refused
        reset = ["--reset-offsets", "--to-earliest", "--topic", topic, "--execute"]
        refused = ask(broker, CONSUMER_GROUPS, "--group", group, *reset, check=False)
        assert "current state is Stable" in refused
        refused = ask(broker, CONSUMER_GROUPS, "--delete-offsets", "--group", group, "--topic", topic)
        assert "GroupSubscribedToTopicException" in refused
    finally:
        member.leave()


def _lag(broker: Broker, group: str) -> int:
    lines = table(ask(broker, CONSUMER_GROUPS, "--describe", "--group", group))
    return sum(int(line["LAG"]) if line["LAG"].isdigit() else 1 for line in lines)


def test_a_group_reads_again_from_where_its_offsets_were_set(broker: Broker) -> None:
    topic, group = broker.topic(PARTITIONS), new_group()
    fill(broker, topic, 60)
    first = Member(broker, topic, group)
    until(lambda: len(first.values) == 60, "records are missing")
    first.leave()
    to = ["--group", group, "--reset-offsets", "--topic", topic, "--execute"]
    moved = table(ask(broker, CONSUMER_GROUPS, *to, "--shift-by", "-2"))
    assert {line["NEW-OFFSET"] for line in moved} == {"8"}
    again = Member(broker, topic, group)
    until(lambda: len(again.values) == 2 * PARTITIONS, "it does not read from there")
    again.leave()
    told = ask(broker, CONSUMER_GROUPS, "--delete", "--group", group)
    assert f"Deletion of requested consumer groups ('{group}') was successful" in told


def test_what_is_set_for_a_group(broker: Broker) -> None:
    group = new_group()
    on_group = ["--entity-type", "groups", "--entity-name", group]
    ask(
        broker,
        CONFIGS,
        *on_group,
        "--alter",
        "--add-config",
        "consumer.heartbeat.interval.ms=6000,share.auto.offset.reset=earliest,streams.num.standby.replicas=1",
    )
    until(lambda: "=6000" in ask(broker, CONFIGS, *on_group, "--describe"), "it is not shown")
    shown = ask(broker, CONFIGS, *on_group, "--describe")
    assert (
        "  consumer.heartbeat.interval.ms=6000 sensitive=false synonyms={DYNAMIC_GROUP_CONFIG:"
        "consumer.heartbeat.interval.ms=6000, DEFAULT_CONFIG:group.consumer.heartbeat.interval.ms=5000}"
        in shown
    )
    for wrong, words in (
        (
            "streams.num.standby.replicas=3",
            "must be less than or equal to group.streams.max.standby.replicas",
        ),
        (
            "share.record.lock.duration.ms=14000",
            "must be greater than or equal to group.share.min.record.lock",
        ),
        ("consumer.session.timeout.ms=61000", "must be less than or equal to group.consumer.max.session"),
        ("share.auto.offset.reset=never", "Invalid value never for configuration share.auto.offset.reset"),
        ("share.isolation.level=any", "Invalid value any for configuration share.isolation.level"),
        ("no.such.config=1", "Unknown group config name: no.such.config"),
    ):
        refused = ask(broker, CONFIGS, *on_group, "--alter", "--add-config", wrong, check=False)
        assert words in refused, refused
    ask(broker, CONFIGS, *on_group, "--alter", "--delete-config", "share.auto.offset.reset")
    until(
        lambda: "share.auto.offset.reset" not in ask(broker, CONFIGS, *on_group, "--describe"),
        "it was not taken back",
    )


def test_a_transaction_that_is_under_way(broker: Broker, topic: str) -> None:
    name = f"tx-{uuid.uuid4().hex[:8]}"
    client = producer(broker.bootstrap, **{"transactional.id": name})
    client.init_transactions(SECONDS)
    client.begin_transaction()
    client.produce(topic, "open", partition=0)
    client.flush(SECONDS)
    listed = {line["TransactionalId"]: line for line in table(ask(broker, TRANSACTIONS, "list"))}
    assert listed[name]["TransactionState"] == "Ongoing"
    (told,) = table(ask(broker, TRANSACTIONS, "describe", "--transactional-id", name))
    assert told["TransactionState"] == "Ongoing"
    assert told["ProducerId"] == listed[name]["ProducerId"]
    assert f"{topic}-0" in " ".join(told.values())
    where = ["--topic", topic, "--partition", "0"]
    (state,) = table(ask(broker, TRANSACTIONS, "describe-producers", *where))
    assert (state["ProducerId"], state["CurrentTransactionStartOffset"]) == (told["ProducerId"], "0")
    hanging = table(ask(broker, TRANSACTIONS, "find-hanging", "--broker-id", "1"))
    assert topic not in [line.get("Topic") for line in hanging], "it is young, and known to its coordinator"
    client.commit_transaction(SECONDS)
    (told,) = table(ask(broker, TRANSACTIONS, "describe", "--transactional-id", name))
    assert told["TransactionState"] == "CompleteCommit"


def test_a_transaction_that_nobody_will_end_is_found_and_aborted(broker: Broker, topic: str) -> None:
    """As brokers before KIP-890 left them behind: the coordinator knows nothing of it."""
    _leave_hanging(broker, topic)
    client = producer(broker.bootstrap)
    client.produce(topic, "behind it", partition=0)
    client.flush(SECONDS)
    assert _stable(broker, topic) == [], "a hanging transaction holds up who reads committed records"
    where = ["--topic", topic, "--partition", "0"]
    (found,) = table(ask(broker, TRANSACTIONS, "find-hanging", *where))
    assert (found["Topic"], found["Partition"], found["StartOffset"]) == (topic, "0", "0")
    ask(broker, TRANSACTIONS, "abort", *where, "--start-offset", "0")
    assert _stable(broker, topic) == ["behind it"]
    assert ask(broker, TRANSACTIONS, "find-hanging", *where).count(topic) == 0


def _leave_hanging(broker: Broker, topic: str) -> None:
    verification = ["--entity-type", "brokers", "--entity-default", "--alter"]
    key = "transaction.partition.verification.enable"
    ask(broker, CONFIGS, *verification, "--add-config", f"{key}=false")
    try:
        wanted = InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=60_000)
        given = call(broker.node.port, ApiKey.INIT_PRODUCER_ID, 4, wanted, InitProducerIdResponse)
        long_ago = int(time.time() * 1000) - DAY_MS
        data = build(
            [Record(0, long_ago, None, b"never ended", [])],
            producer_id=given.producer_id,
            producer_epoch=given.producer_epoch,
            base_sequence=0,
            transactional=True,
        )
        part = TopicProduceData(name=topic, partition_data=[PartitionProduceData(index=0, records=data)])
        request = ProduceRequest(transactional_id="gone", acks=-1, timeout_ms=5000, topic_data=[part])
        deadline = time.monotonic() + SECONDS
        while True:
            answer = call(broker.node.port, ApiKey.PRODUCE, 11, request, ProduceResponse)
            if not answer.responses[0].partition_responses[0].error_code:
                break
            assert time.monotonic() < deadline, answer  # the setting takes effect a moment later
            time.sleep(0.1)
    finally:
        ask(broker, CONFIGS, *verification, "--delete-config", key)


def _stable(broker: Broker, topic: str) -> list[str]:
    """What a reader of committed records finds in partition 0, as far as it gets."""
    reader = confluent_kafka.Consumer(
        {"bootstrap.servers": broker.bootstrap, "group.id": new_group(), "isolation.level": "read_committed"}
    )
    reader.assign([confluent_kafka.TopicPartition(topic, 0, 0)])
    found = [each.value().decode() for each in reader.consume(10, 2) if each.error() is None]
    reader.close()
    return found


@covers(CLIENT, "committed")
def test_what_the_load_generator_commits_is_read(broker: Broker, topic: str) -> None:
    _leave_open(broker, topic)
    tool(
        PERFORMANCE,
        [
            *("--topic", topic, "--num-records", "500", "--record-size", "10", "--throughput", "-1"),
            *("--transactional-id", f"{topic}-load", "--transaction-duration-ms", "50"),
            *("--command-property", f"bootstrap.servers={broker.bootstrap}"),
        ],
    )
    levels = {"read_committed": 500, "read_uncommitted": 501}
    for level, count in levels.items():
        shown = ask(
            broker,
            CONSUMER,
            *("--topic", topic, "--partition", "0", "--offset", "earliest", "--timeout-ms", "3000"),
            *("--isolation-level", level),
            check=False,
        )
        assert f"Processed a total of {count} messages" in shown


def _leave_open(broker: Broker, topic: str) -> None:
    """One record that was aborted stands before all others."""
    client = producer(broker.bootstrap, **{"transactional.id": f"{topic}-aborts"})
    client.init_transactions(SECONDS)
    client.begin_transaction()
    client.produce(topic, "aborted", partition=0)
    client.flush(SECONDS)
    client.abort_transaction(SECONDS)


@covers(CLIENT, "group-resume")
def test_console_consumers_of_a_group_go_on(broker: Broker, topic: str) -> None:
    fill_one(broker, topic, "one", "two")
    assert _read_in_group(broker, topic, 2) == ["one", "two"]
    fill_one(broker, topic, "three")
    assert _read_in_group(broker, topic, 1) == ["three"]


def fill_one(broker: Broker, topic: str, *lines: str) -> None:
    client = producer(broker.bootstrap)
    for line in lines:
        client.produce(topic, line, partition=0)
    assert client.flush(SECONDS) == 0


def _read_in_group(broker: Broker, topic: str, count: int) -> list[str]:
    where = ["--topic", topic, "--group", f"{topic}-readers", "--from-beginning"]
    return ask(broker, CONSUMER, *where, "--max-messages", str(count), "--timeout-ms", "15000").splitlines()


@covers(CLIENT, "group-sharing")
def test_verifiable_consumers_share(broker: Broker, tmp_path: Path) -> None:
    topic, group = broker.topic(PARTITIONS), new_group()
    first, second = (Verifiable(broker, topic, group, tmp_path / name) for name in ("first", "second"))
    try:
        until(lambda: (first.held, second.held) == (PARTITIONS // 2, PARTITIONS // 2), "they do not share")
        second.process.terminate()
        until(lambda: first.held == PARTITIONS, "the first has not taken over")
    finally:
        for each in (first, second):
            each.process.terminate()
            each.process.wait(SECONDS)


class Verifiable:
    """A VerifiableConsumer under way."""

    def __init__(self, broker: Broker, topic: str, group: str, said: Path) -> None:
        self._said = said
        main = "org.apache.kafka.tools.VerifiableConsumer"
        command = java(main, "--bootstrap-server", broker.bootstrap, heap="-Xmx128m", quick=True)
        with open(said, "wb") as out:
            self.process = subprocess.Popen(
                [*command, "--topic", topic, "--group-id", group], stdout=out, stderr=subprocess.DEVNULL
            )

    @property
    def held(self) -> int:
        events = _events(self._said.read_text())
        assigned = [each["partitions"] for each in events if each["name"] == "partitions_assigned"]
        return len(assigned[-1]) if assigned else 0


def test_verifiable_producer_and_consumer(broker: Broker) -> None:
    topic, group = broker.topic(PARTITIONS), new_group()
    where = ["--bootstrap-server", broker.bootstrap, "--topic", topic, "--max-messages", "1000"]
    said = _events(tool("org.apache.kafka.tools.VerifiableProducer", where).stdout)
    assert [each["name"] for each in said].count("producer_send_success") == 1000
    assert said[-1] | {"sent": 1000, "acked": 1000, "name": "tool_data"} == said[-1]
    reading = [*where, "--group-id", group, "--reset-policy", "earliest"]
    done = tool("org.apache.kafka.tools.VerifiableConsumer", reading, check=False)
    said = _events(done.stdout)
    consumed = [each for each in said if each["name"] == "records_consumed"]
    assert sum(each["count"] for each in consumed) == 1000
    assigned = next(each for each in said if each["name"] == "partitions_assigned")
    assert len(assigned["partitions"]) == PARTITIONS
    committed = [each for each in said if each["name"] == "offsets_committed"]
    assert all(each["success"] for each in committed)
    ends = {each["partition"]: each["offset"] for commit in committed for each in commit["offsets"]}
    assert sum(ends.values()) == 1000


def _events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]
