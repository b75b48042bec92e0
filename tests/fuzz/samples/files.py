"""What a node, Kafka and people write into files, as bytes."""

from __future__ import annotations

import random
import struct
from functools import cache

from ottla.broker.quorum.batches import build_batch
from ottla.broker.quorum.checkpoints import checkpoint_batches
from ottla.core.log import checkpoints as text
from ottla.core.log.index import OFFSET_ENTRY, TIME_ENTRY, AbortedTransaction, pack_aborted
from ottla.core.log.producers import ProducerStates
from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.raft.election import ElectionState, format_quorum_state
from ottla.core.raft.voters import VoterSet
from ottla.core.records.build import Builder
from ottla.core.records.control import EndTransaction, build_end_transaction
from ottla.core.records.crc import crc32c
from ottla.core.wire.codec import encode
from ottla.core.wire.coordinator_records import (
    CONSUMER_OFFSETS,
    SHARE_GROUP_STATE,
    TRANSACTION_STATE,
    encode_key,
    encode_value,
)
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages.consumer_group_heartbeat import ConsumerGroupHeartbeatRequest
from ottla.core.wire.messages.consumer_group_heartbeat import TopicPartitionsRequest as HeldPartitions
from ottla.core.wire.messages.consumer_protocol import (
    ConsumerProtocolAssignment,
    ConsumerProtocolAssignmentTopicPartition,
    ConsumerProtocolSubscription,
    ConsumerProtocolSubscriptionTopicPartition,
)
from ottla.core.wire.messages.offset_delete import OffsetDeleteRequest
from ottla.core.wire.messages.records import metadata as m
from ottla.core.wire.metadata_frame import METADATA_RECORDS, encode_metadata_record
from tests.fuzz.samples.batches import WALL, control_batches
from tests.fuzz.samples.messages import full
from tests.unit.groups.driving import Groups
from tests.unit.groups.share.driving import ShareGroups
from tests.unit.groups.test_classic import join, stable_pair
from tests.unit.share_state.driving import ShareStates, begin, write
from tests.unit.transactions.driving import Transactions

TOPIC_ID = Uuid(bytes(range(16)))


def texts(*lines: str) -> list[bytes]:
    return [line.encode() for line in lines]


JOINED_AT = 5
"""The version of JoinGroup that is spoilt."""


@cache
def offset_checkpoint() -> list[bytes]:
    return texts(text.format_offsets({}), text.format_offsets({("orders", 0): 12, ("a-b.c", 11): 2**40}))


@cache
def epoch_checkpoint() -> list[bytes]:
    return texts(text.format_epochs([]), text.format_epochs([(0, 0), (3, 17), (4, 2**33)]))


def partition_metadata() -> list[bytes]:
    return texts(text.format_partition_metadata(TOPIC_ID))


def clean_shutdown() -> list[bytes]:
    return texts("", text.format_clean_shutdown(17))


def meta_properties() -> list[bytes]:
    whole = text.MetaProperties(1, "4L6g3nShT-eMCtK--X86sw", 1, TOPIC_ID)
    return texts(text.format_meta_properties(whole), "#\nversion=0\nbroker.id=1\ncluster.id=x\n")


def quorum_state() -> list[bytes]:
    state = ElectionState(5, 1, 1, TOPIC_ID)
    return texts(*(format_quorum_state(state, version, [1, 2]) for version in (0, 1)))


@cache
def producer_snapshot() -> list[bytes]:
    states = ProducerStates()
    states.add_batch(7, 0, 0, 0, 4, WALL, False)
    states.add_batch(8, 1, 10, 5, 9, WALL, True)
    return [ProducerStates().snapshot(), states.snapshot()]


def producer_snapshot_mended(data: bytes) -> bytes:
    """With the CRC and the count that fit what is there."""
    entry, head = struct.calcsize(">qhiqiqiq"), struct.calcsize(">hIi")
    if len(data) < head:
        return data
    body = data[head : len(data) - (len(data) - head) % entry]
    count = struct.pack(">i", len(body) // entry)
    return data[:2] + struct.pack(">I", crc32c(count + body)) + count + body


def offset_index() -> list[bytes]:
    return [b"".join(OFFSET_ENTRY.pack(5 * n, 300 * n) for n in range(1, 8)), b""]


def time_index() -> list[bytes]:
    return [b"".join(TIME_ENTRY.pack(WALL + n, 5 * n) for n in range(1, 8)), b""]


def transaction_index() -> list[bytes]:
    return [b"".join(pack_aborted(AbortedTransaction(n, n, n + 5, n + 6)) for n in range(3)), b""]


@cache
def metadata_records() -> list[bytes]:
    return [
        encode_metadata_record(full(cls, version, random.Random(f"{cls.__name__} {version}")), version)
        for cls in METADATA_RECORDS.values()
        for version in cls.wire.versions.each()
    ]


def cluster() -> list[Body]:
    """What the controller of a small cluster has written, in order."""
    partition = m.PartitionRecord(
        partition_id=0, topic_id=TOPIC_ID, replicas=[1], isr=[1], leader=1, leader_epoch=0, partition_epoch=0
    )
    partition.directories = [TOPIC_ID]
    return [
        m.FeatureLevelRecord(name="metadata.version", feature_level=30),
        m.RegisterControllerRecord(controller_id=1, end_points=[m.ControllerEndpoint(name="C", host="h")]),
        m.RegisterBrokerRecord(broker_id=1, end_points=[m.BrokerEndpoint(name="P", host="h", port=1)]),
        m.UnfenceBrokerRecord(id=1),
        m.TopicRecord(name="orders", topic_id=TOPIC_ID),
        partition,
        m.PartitionChangeRecord(partition_id=0, topic_id=TOPIC_ID, leader=1, isr=[1]),
        m.BrokerRegistrationChangeRecord(broker_id=1, fenced=1),
        m.ConfigRecord(resource_type=2, resource_name="orders", name="retention.ms", value="1"),
        m.ClientQuotaRecord(entity=[m.EntityData(entity_type="user", entity_name="ann")], key="k", value=1.0),
        m.UserScramCredentialRecord(name="ann", mechanism=1, iterations=4096),
        m.AccessControlEntryRecord(id=TOPIC_ID, resource_type=2, resource_name="orders", operation=3),
        m.ProducerIdsRecord(broker_id=1, next_producer_id=1000),
        m.DelegationTokenRecord(token_id="t"),
    ]


@cache
def metadata_log() -> list[bytes]:
    """Batches of the metadata log, control batches among them."""
    batch = build_batch(cluster(), base_offset=0, epoch=1, timestamp=WALL, metadata_version=30)
    return [batch, control_batches()[1] + batch]


@cache
def metadata_checkpoint() -> list[bytes]:
    return [
        b"".join(
            checkpoint_batches(
                cluster(),
                epoch=1,
                wall=WALL,
                last_contained_timestamp=WALL,
                metadata_version=30,
                kraft_version=version,
                voters=VoterSet.of([]) if version else None,
            )
        )
        for version in (0, 1)
    ]


@cache
def coordinator_records() -> list[bytes]:
    """Key and value of every record type, joined behind the length of the key."""
    found = []
    for types in (CONSUMER_OFFSETS, TRANSACTION_STATE, SHARE_GROUP_STATE):
        for pair in types.values():
            chance = random.Random(pair.key.__name__)
            key = encode_key(full(pair.key, 0, chance))
            for version in pair.value.wire.versions.each():
                value = encode_value(full(pair.value, version, chance), version)
                found.append(struct.pack(">H", len(key)) + key + value)
    return found


@cache
def coordinator_log() -> list[bytes]:
    """What coordinators have written: groups with members, offsets, a transaction and its marker, delivered records."""
    groups = Groups()
    stable_pair(groups)
    groups.ask(OffsetDeleteRequest(group_id="g"))
    transactions = Transactions()
    transactions.ongoing()
    sharing = ShareGroups()
    sharing.beat("a", 0, ["orders"])
    sharing.settle("a")
    states = ShareStates()
    states.ask(begin())
    states.ask(write((5, 9, 2, 1), start=5))
    found = []
    for driver in (groups, transactions, sharing, states):
        builder = Builder()
        for key, value, _ in driver.log:
            builder.append(WALL, key, value)
        found.append(builder.finish())
    marker = build_end_transaction(7, 0, EndTransaction(True, 0), WALL)
    return [*found, found[0] + marker]


def joining() -> list[bytes]:
    return [
        encode(join(), JOINED_AT),
        encode(join(group_instance_id="desk", protocols=("a", "b")), JOINED_AT),
    ]


def embedded_consumers() -> list[bytes]:
    told = ConsumerProtocolSubscription(topics=["orders", "bills"], user_data=b"u", rack_id="r")
    told.owned_partitions = [ConsumerProtocolSubscriptionTopicPartition(topic="orders", partitions=[0, 1])]
    share = ConsumerProtocolAssignment(
        assigned_partitions=[
            ConsumerProtocolAssignmentTopicPartition(topic="orders", partitions=[0, 1]),
            ConsumerProtocolAssignmentTopicPartition(topic="nowhere", partitions=[7]),
        ],
    )
    return [b"\0\3" + encode(told, 3), b"\0\0" + encode(told, 0), b"\0\1" + encode(share, 1)]


def heartbeats() -> list[bytes]:
    whole = ConsumerGroupHeartbeatRequest(
        member_id="m",
        instance_id="desk",
        rack_id="r",
        rebalance_timeout_ms=1_000,
        subscribed_topic_names=["orders"],
        subscribed_topic_regex="o.*",
        server_assignor="range",
        topic_partitions=[],
    )
    staying = ConsumerGroupHeartbeatRequest(member_id="modern", member_epoch=2)
    staying.topic_partitions = [HeldPartitions(topic_id=ZERO_UUID, partitions=[0, 1])]
    leaving = ConsumerGroupHeartbeatRequest(member_id="modern", member_epoch=-1)
    return [encode(each, 1) for each in (whole, staying, leaving)]


def properties() -> list[bytes]:
    return [
        b"process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@localhost:9093\n"
        b"listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093\n"
        b"controller.listener.names=CONTROLLER\nlog.dirs=/tmp/a,/tmp/b\n"
        b"log.retention.hours=168\nlog.cleaner.enable = true\nmessage.max.bytes: 1048588\n"
        b"max.connections.per.ip.overrides=127.0.0.1:10\nlistener.name.plaintext.max.connections=7\n"
        b"! comment\nlog.segment.bytes=\\\n   1073741824\nossl.x=\\u00e9\n",
        b"a=b\n#c\n\\u0041:\\t\n x y\\\nz\n",
    ]
