from __future__ import annotations

from typing import Any

import pytest

from ottla.core.metadata.nouns import LeaderRecoveryState, PartitionImage
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import Uuid
from ottla.core.wire.messages.create_topics import CreatableTopic, CreateTopicsRequest
from ottla.core.wire.messages.unregister_broker import UnregisterBrokerRequest
from tests.unit.metadata.cluster import Cluster


def with_topic(brokers: int, replicas: int, **options: Any) -> Cluster:
    cluster = Cluster(brokers, **options)
    topic = CreatableTopic(name="t", num_partitions=1, replication_factor=replicas)
    cluster.ask(CreateTopicsRequest(topics=[topic]))
    return cluster


def partition(cluster: Cluster) -> PartitionImage:
    found = cluster.image.partition("t", 0)
    assert found is not None
    return found


def refused(cluster: Cluster, **changes: Any) -> KafkaError:
    with pytest.raises(KafkaError) as caught:
        cluster.register(9, **changes)
    return caught.value


def test_a_broker_starts_fenced_and_its_epoch_is_an_offset() -> None:
    cluster = Cluster(brokers=0)
    at = cluster.offset
    assert cluster.register(1) == at
    assert cluster.image.brokers[1].fenced
    assert not cluster.heartbeat(1).is_fenced
    assert not cluster.image.brokers[1].fenced


def test_a_broker_wakes_only_after_it_has_read_its_registration() -> None:
    cluster = Cluster(brokers=0)
    cluster.register(1)
    behind = cluster.offset - 2
    cluster.offset, at = behind, cluster.offset
    reply = cluster.heartbeat(1)
    assert reply.is_fenced and not reply.is_caught_up
    cluster.offset = at
    assert not cluster.heartbeat(1).is_fenced


def test_the_same_incarnation_again_keeps_its_epoch() -> None:
    cluster = Cluster(brokers=1)
    epoch = cluster.epochs[1]
    assert cluster.register(1) == epoch
    assert not cluster.image.brokers[1].fenced


def test_a_second_broker_of_the_same_id_waits_for_the_session_to_end() -> None:
    cluster = Cluster(brokers=1)
    with pytest.raises(KafkaError) as caught:
        cluster.register(1, incarnation=1)
    assert caught.value.code == ErrorCode.DUPLICATE_BROKER_REGISTRATION
    cluster.now += 9_000
    assert cluster.register(1, incarnation=1) > 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"cluster_id": "other"}, ErrorCode.INCONSISTENT_CLUSTER_ID),
        ({"log_dirs": []}, ErrorCode.INVALID_REGISTRATION),
        ({"log_dirs": [Uuid(bytes(15) + b"\x05")]}, ErrorCode.INVALID_REGISTRATION),
        ({"log_dirs": [Uuid(b"a" * 16)] * 2}, ErrorCode.INVALID_REGISTRATION),
        ({"log_dirs": [Uuid(bytes([1]) * 16)]}, ErrorCode.INVALID_REGISTRATION),
        ({"features": []}, ErrorCode.INVALID_REGISTRATION),
        ({"is_migrating_zk_broker": True}, ErrorCode.BROKER_ID_NOT_REGISTERED),
    ],
)
def test_registrations_that_are_refused(changes: dict[str, Any], code: ErrorCode) -> None:
    assert refused(Cluster(brokers=1), **changes).code == code


def test_an_old_epoch_is_stale() -> None:
    cluster = Cluster(brokers=1)
    cluster.epochs[1] -= 1
    with pytest.raises(KafkaError) as caught:
        cluster.heartbeat(1)
    assert caught.value.code == ErrorCode.STALE_BROKER_EPOCH


def test_a_silent_broker_is_fenced_and_its_leaderships_move() -> None:
    cluster = with_topic(2, 2)
    leader = partition(cluster).leader
    other = 3 - leader
    cluster.now += 5_000
    cluster.heartbeat(other)
    assert cluster.controller.deadline == 1_000 + 9_000
    cluster.now = 10_000
    cluster.tick()
    assert cluster.image.brokers[leader].fenced
    assert (partition(cluster).leader, partition(cluster).isr) == (other, [other])
    assert partition(cluster).leader_epoch == 1
    cluster.tick()
    assert cluster.written == []


def test_a_controlled_shutdown_gives_leaderships_away_first() -> None:
    cluster = with_topic(2, 2)
    leader = partition(cluster).leader
    assert not cluster.heartbeat(leader, stop=True).should_shut_down
    assert partition(cluster).leader == 3 - leader
    reply = cluster.heartbeat(leader, stop=True)
    assert reply.should_shut_down and reply.is_fenced
    assert cluster.image.brokers[leader].fenced


def test_the_only_replica_stays_eligible_over_a_clean_restart() -> None:
    cluster = with_topic(1, 1)
    cluster.heartbeat(1, stop=True)
    assert (partition(cluster).leader, partition(cluster).isr, partition(cluster).elr) == (-1, [], [1])
    assert cluster.heartbeat(1, stop=True).should_shut_down
    cluster.now += 60_000
    cluster.register(1, incarnation=1, previous_epoch=cluster.epochs[1])
    cluster.heartbeat(1)
    after = partition(cluster)
    assert (after.leader, after.isr, after.elr, after.last_known_elr) == (1, [1], [], [])
    assert after.leader_recovery_state == LeaderRecoveryState.RECOVERED


def test_after_a_crash_the_last_leader_is_elected_uncleanly() -> None:
    cluster = with_topic(1, 1)
    cluster.now += 60_000
    cluster.register(1, incarnation=1, previous_epoch=-1)
    between = partition(cluster)
    assert (between.leader, between.isr, between.elr, between.last_known_elr) == (-1, [], [], [1])
    cluster.heartbeat(1)
    after = partition(cluster)
    assert (after.leader, after.isr, after.last_known_elr) == (1, [1], [])
    assert after.leader_recovery_state == LeaderRecoveryState.RECOVERING


def test_without_elr_a_partition_keeps_its_last_isr() -> None:
    cluster = with_topic(1, 1, elr=False)
    cluster.now += 60_000
    cluster.tick()
    assert (partition(cluster).leader, partition(cluster).isr) == (-1, [1])
    cluster.heartbeat(1)
    assert partition(cluster).leader == 1
    assert partition(cluster).leader_recovery_state == LeaderRecoveryState.RECOVERED


def test_a_failed_directory_takes_its_replicas_out_of_the_isr() -> None:
    cluster = with_topic(2, 2)
    leader = partition(cluster).leader
    second = Uuid(b"d" * 16)
    cluster.register(leader, log_dirs=[Uuid(bytes([leader]) * 16), second])
    cluster.heartbeat(leader, offline_log_dirs=[Uuid(bytes([leader]) * 16)])
    assert partition(cluster).leader == 3 - leader
    assert cluster.image.brokers[leader].directories == [second]


def test_an_unregistered_broker_is_forgotten() -> None:
    cluster = with_topic(2, 2)
    cluster.ask(UnregisterBrokerRequest(broker_id=1))
    assert list(cluster.image.brokers) == [2]
    assert (partition(cluster).leader, partition(cluster).isr) == (2, [2])
    with pytest.raises(KafkaError) as caught:
        cluster.ask(UnregisterBrokerRequest(broker_id=1))
    assert caught.value.text == "Broker ID 1 is not currently registered"


def test_our_own_broker_needs_no_session_to_end_after_a_restart() -> None:
    cluster = Cluster(brokers=1)
    cluster.controller.state.sessions.forget(1)
    cluster.controller.state.settings.node_id = 1
    cluster.controller.activate(cluster.now)
    assert cluster.register(1, incarnation=1) > 0
