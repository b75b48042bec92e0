"""Coordinators: groups by kind and state, committed offsets and lag, transactions, and how loading went.

Kafka's own numbers keep their names (`group-coordinator-metrics` is `kafka_server_group_coordinator_metrics_…`, and what
older dashboards know of the `GroupMetadataManager` is there too). What people run the kafka-exporter for comes from the
same tables: a group's offsets and how far it lags behind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from ottla.broker.coordination.shard import Shard, State
from ottla.broker.monitoring.exposition import Page
from ottla.core.groups.group import Group, GroupKind

if TYPE_CHECKING:
    from ottla.broker.coordination.shards import Shards
    from ottla.broker.services import Services

LOAD_WINDOW_MS: Final = 30_000
"""Loading times are told of the last half minute, as Kafka does."""
OFFSETS_TOLD_MAX: Final = 10_000
"""Committed offsets that a page tells one by one at most: two lines for each."""

_METRICS_GROUPS: Final = {
    "groups": "group_coordinator_metrics",
    "transactions": "transaction_coordinator_metrics",
    "share states": "share_coordinator_metrics",
}
_CLASSIC_STATES: Final = ("PreparingRebalance", "CompletingRebalance", "Stable", "Dead", "Empty")
_STATES: Final = {
    GroupKind.CONSUMER: ("Empty", "Assigning", "Reconciling", "Stable", "Dead"),
    GroupKind.SHARE: ("Empty", "Stable", "Dead"),
    GroupKind.STREAMS: ("Empty", "NotReady", "Assigning", "Reconciling", "Stable", "Dead"),
}
_REBALANCES: Final = {
    GroupKind.CLASSIC: ("group_completed_rebalance_count", "Rebalances that classic groups completed."),
    GroupKind.CONSUMER: ("consumer_group_rebalance_count", "Rebalances of consumer groups."),
    GroupKind.SHARE: ("share_group_rebalance_count", "Rebalances of share groups."),
    GroupKind.STREAMS: ("streams_group_rebalance_count", "Rebalances of streams groups."),
}


def coordinators(page: Page, services: Services) -> None:
    for shards in services.coordinators:
        _loading(page, shards)
    _groups(page, services)
    _transactions(page, services)
    _exporter(page, services)


def _loading(page: Page, shards: Shards) -> None:
    """The partitions of a coordinator's topic on this node, and how long loading them took."""
    stem = f"kafka_server_{_METRICS_GROUPS[shards.kind.name]}"
    states = Counter(shard.state for shard in shards)
    for state in (State.LOADING, State.ACTIVE, State.FAILED):
        text = "Partitions of the coordinator's topic that this node leads."
        page.gauge(f"{stem}_num_partitions", states[state], {"state": state.value}, text)
    since = shards.clock.now() - LOAD_WINDOW_MS
    recent = [spent for when, spent in shards.loads if when > since]
    longest, mean = (max(recent), sum(recent) / len(recent)) if recent else (float("nan"), float("nan"))
    text = "Milliseconds that loading a partition took at most, in the last 30 s."
    page.gauge(f"{stem}_partition_load_time_max", longest, text=text)
    text = "Milliseconds that loading a partition took on average, in the last 30 s."
    page.gauge(f"{stem}_partition_load_time_avg", mean, text=text)


def _machines(shards: Shards) -> Iterator[Any]:
    """The states of the machines that are loaded."""
    for shard in shards:
        if shard.state is State.ACTIVE:
            yield _state(shard)


def _state(shard: Shard) -> Any:
    machine: Any = shard.machine
    return machine.state


def _groups(page: Page, services: Services) -> None:
    groups: list[Group] = [group for state in _machines(services.groups) for group in state.groups.values()]
    counted = Counter((group.kind, str(group.state)) for group in groups)
    kinds = Counter(group.kind for group in groups)
    stem = "kafka_server_group_coordinator_metrics"
    for kind in (GroupKind.CLASSIC, GroupKind.CONSUMER, GroupKind.SHARE, GroupKind.STREAMS):
        page.gauge(f"{stem}_group_count", kinds[kind], {"protocol": kind}, "Groups by protocol.")
    for kind, states in _STATES.items():
        for state in states:
            text = f"{kind.capitalize()} groups by state."
            page.gauge(f"{stem}_{kind}_group_count", counted[kind, state], {"state": state.lower()}, text)
    counts = services.metrics.groups
    page.counter(f"{stem}_offset_commit_count", counts.offset_commits, text="Offsets committed.")
    page.counter(f"{stem}_offset_expiration_count", counts.offset_expirations, text="Offsets expired.")
    text = "Offsets that administrators deleted."
    page.counter(f"{stem}_offset_deletion_count", counts.offset_deletions, text=text)
    for kind, (name, text) in _REBALANCES.items():
        page.counter(f"{stem}_{name}", counts.rebalances[kind], text=text)
    stem = "kafka_coordinator_group_groupmetadatamanager"
    page.gauge(f"{stem}_numgroups", kinds[GroupKind.CLASSIC], text="Classic groups.")
    for state in _CLASSIC_STATES:
        text = f"Classic groups in state {state}."
        page.gauge(f"{stem}_numgroups{state.lower()}", counted[GroupKind.CLASSIC, state], text=text)
    offsets = sum(state.offsets.count() for state in _machines(services.groups))
    page.gauge(f"{stem}_numoffsets", offsets, text="Committed offsets.")


def _transactions(page: Page, services: Services) -> None:
    states = Counter(
        transaction.status.words
        for state in _machines(services.transactions)
        for transaction in state.transactions.values()
    )
    for name, count in sorted(states.items()):
        page.gauge("ottla_transactions", count, {"state": name}, "Transactional ids by state.")


def _exporter(page: Page, services: Services) -> None:
    """`kafka_consumergroup_*`: offset by offset while they are few enough, and each group's members and lag."""
    left = OFFSETS_TOLD_MAX
    for state in _machines(services.groups):
        for name, group in state.groups.items():
            members = len(getattr(group, "members", ()))
            page.gauge("kafka_consumergroup_members", members, {"consumergroup": name}, "Members of a group.")
            topics = state.offsets.topics(name)
            size = sum(map(len, topics.values()))
            if size > left:
                return
            left -= size
            for topic, partitions in topics.items():
                _one(page, services, name, topic, partitions)


def _one(page: Page, services: Services, group: str, topic: str, partitions: dict[int, Any]) -> None:
    """What a group has committed for one topic. Lag is told of partitions that this node leads."""
    behind = 0
    for index, committed in sorted(partitions.items()):
        labels = {"consumergroup": group, "topic": topic, "partition": str(index)}
        page.gauge(
            "kafka_consumergroup_current_offset", committed.offset, labels, "Offset a group has committed."
        )
        partition = services.partitions.find(topic, index)
        if partition is not None and partition.leading:
            lag = max(partition.machine.high_watermark - committed.offset, 0)
            behind += lag
            page.gauge("kafka_consumergroup_lag", lag, labels, "Records a group has yet to read.")
    labels = {"consumergroup": group, "topic": topic}
    page.gauge("kafka_consumergroup_lag_sum", behind, labels, "Records a group has yet to read of a topic.")
