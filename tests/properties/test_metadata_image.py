"""Whatever happens to a cluster: a checkpoint of its image rebuilds the image, and no partition breaks the rules."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ottla.broker.quorum.batches import build_batches, read_batches
from ottla.core.metadata.image import MetadataImage
from ottla.core.metadata.snapshot import snapshot_records
from ottla.core.model.errors import KafkaError
from ottla.core.wire.messages.alter_partition import (
    AlterPartitionRequest,
    BrokerState,
    PartitionDataRequest,
    TopicDataRequest,
)
from ottla.core.wire.messages.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    ReassignablePartition,
    ReassignableTopic,
)
from ottla.core.wire.messages.create_topics import CreatableTopic, CreateTopicsRequest
from ottla.core.wire.messages.delete_topics import DeleteTopicsRequest, DeleteTopicState
from ottla.core.wire.messages.elect_leaders import ElectLeadersRequest
from tests.unit.metadata.cluster import Cluster

BROKERS = st.integers(1, 3)
NAMES = st.sampled_from(["a", "b"])
STEPS = st.one_of(
    st.tuples(st.just("create"), NAMES, st.integers(1, 3)),
    st.tuples(st.just("delete"), NAMES),
    st.tuples(st.just("beat"), BROKERS, st.sampled_from(["", "fence", "stop"])),
    st.tuples(st.just("restart"), BROKERS, st.booleans()),
    st.tuples(st.just("isr"), NAMES, st.sets(BROKERS, min_size=1)),
    st.tuples(st.just("move"), NAMES, st.lists(BROKERS, min_size=1, max_size=3, unique=True)),
    st.tuples(st.just("elect"), st.integers(0, 1)),
    st.tuples(st.just("wait"), st.sampled_from([1_000, 9_000])),
)


def do(cluster: Cluster, step: tuple[Any, ...], count: int) -> None:
    match step:
        case ("create", name, replicas):
            topic = CreatableTopic(name=name, num_partitions=2, replication_factor=replicas)
            cluster.ask(CreateTopicsRequest(topics=[topic]))
        case ("delete", name):
            cluster.ask(DeleteTopicsRequest(topics=[DeleteTopicState(name=name)]))
        case ("beat", broker, wish):
            cluster.heartbeat(broker, fence=wish == "fence", stop=wish == "stop")
        case ("restart", broker, clean):
            cluster.now += 9_000
            cluster.register(broker, count, cluster.epochs[broker] if clean else -1)
        case ("isr", name, isr):
            _propose(cluster, name, sorted(isr))
        case ("move", name, replicas):
            target = ReassignableTopic(name=name, partitions=[ReassignablePartition(replicas=replicas)])
            cluster.ask(AlterPartitionReassignmentsRequest(topics=[target]))
        case ("elect", kind):
            cluster.ask(ElectLeadersRequest(election_type=kind, topic_partitions=None))
        case ("wait", ms):
            cluster.now += ms
            cluster.tick()


def _propose(cluster: Cluster, name: str, isr: list[int]) -> None:
    found = cluster.image.partition(name, 0)
    if found is None or found.leader < 0:
        return
    proposal = PartitionDataRequest(
        leader_epoch=found.leader_epoch,
        new_isr_with_epochs=[BrokerState(broker_id=id_) for id_ in isr],
        partition_epoch=found.partition_epoch,
    )
    topic = TopicDataRequest(topic_id=cluster.image.topics_by_name[name].id, partitions=[proposal])
    leader = found.leader
    cluster.ask(AlterPartitionRequest(broker_id=leader, broker_epoch=cluster.epochs[leader], topics=[topic]))


def check_partitions(before: MetadataImage, after: MetadataImage) -> None:
    for id_, topic in after.topics_by_id.items():
        for number, now in topic.partitions.items():
            assert len(now.directories) == len(now.replicas) == len(set(now.replicas))
            assert set(now.isr) <= set(now.replicas)
            assert not set(now.isr) & set(now.elr)
            assert now.leader == -1 or now.leader in now.isr
            assert now.leader == -1 or not after.brokers[now.leader].fenced
            was = before.topics_by_id[id_].partitions.get(number) if id_ in before.topics_by_id else None
            if was is not None and was != now:
                assert now.partition_epoch > was.partition_epoch
                assert now.leader_epoch > was.leader_epoch or now.leader == was.leader


def rebuilt(image: MetadataImage) -> MetadataImage:
    """The image as a restarted node reads it from a checkpoint."""
    data = b"".join(
        build_batches(
            snapshot_records(image),
            base_offset=0,
            epoch=1,
            timestamp=1,
            metadata_version=image.metadata_version,
        )
    )
    fresh = MetadataImage()
    for batch in read_batches(data, "here"):
        for record in batch.records:
            fresh.apply(record)
    fresh.offset, fresh.epoch, fresh.timestamp = image.offset, image.epoch, image.timestamp
    return fresh


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, max_size=25), st.booleans())
def test_images_survive_checkpoints_and_partitions_keep_their_rules(
    steps: list[tuple[Any, ...]], elr: bool
) -> None:
    cluster = Cluster(3, elr=elr)
    for count, step in enumerate(steps, 1):
        before = cluster.image.copy()
        try:
            do(cluster, step, count)
        except KafkaError:
            assert cluster.image == before, "a refused request changes nothing"
        check_partitions(before, cluster.image)
    assert rebuilt(cluster.image) == cluster.image
