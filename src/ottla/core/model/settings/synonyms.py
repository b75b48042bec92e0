"""Settings that stand in for each other, strongest first.

A time can be given in milliseconds, minutes or hours; a topic that says nothing takes a broker setting of another
name; a group likewise. DescribeConfigs lists these chains, and lookups walk them.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from ottla.core.model.settings.kinds import HOUR, MINUTE

_ROLL: Final = ("log.roll.ms", "log.roll.hours")
_JITTER: Final = ("log.roll.jitter.ms", "log.roll.jitter.hours")
_RETENTION: Final = ("log.retention.ms", "log.retention.minutes", "log.retention.hours")
_FLUSH: Final = ("log.flush.interval.ms", "log.flush.scheduler.interval.ms")

BROKER_CHAINS: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(_ROLL, _ROLL),
    **dict.fromkeys(_JITTER, _JITTER),
    **dict.fromkeys(_RETENTION, _RETENTION),
    # One way only: the scheduler interval stands in for the flush interval, not the reverse.
    "log.flush.interval.ms": _FLUSH,
}

MILLIS: Final[dict[str, int]] = {
    "log.roll.hours": HOUR,
    "log.roll.jitter.hours": HOUR,
    "log.retention.minutes": MINUTE,
    "log.retention.hours": HOUR,
}
"""What one unit of a setting is in milliseconds, where it stands in for one in milliseconds."""

TOPIC_TO_BROKER: Final[dict[str, str]] = {
    "segment.bytes": "log.segment.bytes",
    "segment.ms": "log.roll.ms",
    "segment.jitter.ms": "log.roll.jitter.ms",
    "segment.index.bytes": "log.index.size.max.bytes",
    "flush.messages": "log.flush.interval.messages",
    "flush.ms": "log.flush.interval.ms",
    "retention.bytes": "log.retention.bytes",
    "retention.ms": "log.retention.ms",
    "max.message.bytes": "message.max.bytes",
    "index.interval.bytes": "log.index.interval.bytes",
    "delete.retention.ms": "log.cleaner.delete.retention.ms",
    "min.compaction.lag.ms": "log.cleaner.min.compaction.lag.ms",
    "max.compaction.lag.ms": "log.cleaner.max.compaction.lag.ms",
    "file.delete.delay.ms": "log.segment.delete.delay.ms",
    "min.cleanable.dirty.ratio": "log.cleaner.min.cleanable.ratio",
    "cleanup.policy": "log.cleanup.policy",
    "unclean.leader.election.enable": "unclean.leader.election.enable",
    "min.insync.replicas": "min.insync.replicas",
    "compression.type": "compression.type",
    "compression.gzip.level": "compression.gzip.level",
    "compression.lz4.level": "compression.lz4.level",
    "compression.zstd.level": "compression.zstd.level",
    "preallocate": "log.preallocate",
    "message.timestamp.type": "log.message.timestamp.type",
    "message.timestamp.before.max.ms": "log.message.timestamp.before.max.ms",
    "message.timestamp.after.max.ms": "log.message.timestamp.after.max.ms",
    "local.retention.ms": "log.local.retention.ms",
    "local.retention.bytes": "log.local.retention.bytes",
}
"""The broker setting that counts for a topic which does not set its own; the head of its chain."""

GROUP_WITHOUT_BROKER: Final = frozenset(
    ("share.auto.offset.reset", "share.isolation.level", "share.renew.acknowledge.enable")
)

_LISTENER: Final = re.compile(r"listener\.name\.([^.]*)\.(.*)", re.DOTALL)

# These carry the mechanism between the listener and the name: `listener.name.x.scram-sha-256.sasl.jaas.config`.
_PER_MECHANISM: Final = (
    "sasl.jaas.config",
    "sasl.login.callback.handler.class",
    "sasl.login.class",
    "sasl.server.callback.handler.class",
    "connections.max.reauth.ms",
)


class ListenerSetting(msgspec.Struct, frozen=True):
    """`listener.name.<listener>.<name>` taken apart."""

    listener: str
    name: str


def broker_chain(name: str) -> tuple[str, ...]:
    """The names that count for broker setting `name`, strongest first. A listener's own comes before the node's."""
    chain = BROKER_CHAINS.get(name)
    if chain is not None:
        return chain
    part = listener_setting(name)
    return (name,) if part is None else (name, part.name)


def group_to_broker(name: str) -> str | None:
    """The broker setting that counts for a group which does not set `name` itself."""
    return None if name in GROUP_WITHOUT_BROKER else f"group.{name}"


def listener_setting(name: str) -> ListenerSetting | None:
    """Take a per-listener name apart; None when it is not one."""
    if not name.startswith("listener.name."):
        return None
    found = _LISTENER.fullmatch(name)
    if found is None:
        return None
    base = next((known for known in _PER_MECHANISM if found[2].endswith(known)), found[2])
    return ListenerSetting(found[1], base)
