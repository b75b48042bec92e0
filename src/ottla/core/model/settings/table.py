"""The settings table: every config of Kafka 4.3 for brokers, topics, groups and client metrics, and our own.

This is the one declared source: the file reader, the dynamic configs, DescribeConfigs, the validation of AlterConfigs
and `docs/reference/settings.md` all read it.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Final

from ottla.core.model.settings.broker.cleaner import CLEANER
from ottla.core.model.settings.broker.groups import GROUPS
from ottla.core.model.settings.broker.groups_share import GROUPS_SHARE
from ottla.core.model.settings.broker.groups_streams import GROUPS_STREAMS
from ottla.core.model.settings.broker.log import LOG
from ottla.core.model.settings.broker.metrics import METRICS
from ottla.core.model.settings.broker.network import NETWORK
from ottla.core.model.settings.broker.node import NODE
from ottla.core.model.settings.broker.oauthbearer import OAUTHBEARER
from ottla.core.model.settings.broker.own import BESIDE, OWN_SETTINGS
from ottla.core.model.settings.broker.quorum import QUORUM
from ottla.core.model.settings.broker.quotas import QUOTAS
from ottla.core.model.settings.broker.remote import REMOTE
from ottla.core.model.settings.broker.replication import REPLICATION
from ottla.core.model.settings.broker.sasl import SASL
from ottla.core.model.settings.broker.security import SECURITY
from ottla.core.model.settings.broker.ssl import SSL
from ottla.core.model.settings.broker.topics import TOPICS
from ottla.core.model.settings.broker.transactions import TRANSACTIONS
from ottla.core.model.settings.client_metrics import CLIENT_METRICS as CLIENT_METRICS_SETTINGS
from ottla.core.model.settings.group import GROUP as GROUP_SETTINGS
from ottla.core.model.settings.setting import Dynamic, Flag, Setting
from ottla.core.model.settings.synonyms import listener_setting
from ottla.core.model.settings.topic import TOPIC as TOPIC_SETTINGS


class ResourceType(IntEnum):
    """What a config belongs to, as numbered on the wire and in the metadata log."""

    UNKNOWN = 0
    TOPIC = 2
    BROKER = 4
    BROKER_LOGGER = 8
    CLIENT_METRICS = 16
    GROUP = 32


BROKER_THEMES: Final[tuple[tuple[str, tuple[Setting, ...]], ...]] = (
    ("The node", NODE),
    ("The metadata quorum", QUORUM),
    ("Listeners, connections, requests", NETWORK),
    ("Creating topics", TOPICS),
    ("Logs", LOG),
    ("Compaction", CLEANER),
    ("Replication", REPLICATION),
    ("Groups and offsets", GROUPS),
    ("Share groups", GROUPS_SHARE),
    ("Streams groups", GROUPS_STREAMS),
    ("Transactions", TRANSACTIONS),
    ("Quotas", QUOTAS),
    ("Metrics", METRICS),
    ("Security", SECURITY),
    ("TLS", SSL),
    ("SASL", SASL),
    ("OAUTHBEARER", OAUTHBEARER),
    ("Tiered storage", REMOTE),
    ("Ottla's own", OWN_SETTINGS),
)
"""All broker settings by theme, in the order they are documented."""


def _index(settings: Iterable[Setting]) -> dict[str, Setting]:
    return {setting.name: setting for setting in settings}


BROKER: Final = _index(setting for _, theme in BROKER_THEMES for setting in theme)
TOPIC: Final = _index(TOPIC_SETTINGS)
GROUP: Final = _index(GROUP_SETTINGS)
CLIENT_METRICS: Final = _index(CLIENT_METRICS_SETTINGS)
BESIDE_BROKER: Final = _index(BESIDE)

TABLES: Final[dict[ResourceType, dict[str, Setting]]] = {
    ResourceType.BROKER: BROKER,
    ResourceType.TOPIC: TOPIC,
    ResourceType.GROUP: GROUP,
    ResourceType.CLIENT_METRICS: CLIENT_METRICS,
}

REPLACED: Final[dict[str, str]] = {
    "advertised.host.name": "set advertised.listeners",
    "advertised.port": "set advertised.listeners",
    "broker.id.generation.enable": "set node.id",
    "host.name": "set listeners",
    "inter.broker.protocol.version": "the metadata version is set with `ottla storage format`",
    "log.message.format.version": "records are always written in the current format",
    "log.message.downconversion.enable": "old record formats are not served any more",
    "log.message.timestamp.difference.max.ms": "set log.message.timestamp.before.max.ms and .after.max.ms",
    "port": "set listeners",
    "zookeeper.connect": "the cluster keeps its metadata itself: set process.roles and controller.quorum.voters",
}
"""Settings of older Kafka versions that still stand in files, and what took their place."""

_ACCEPTED_PREFIXES: Final = ("config.providers.", "rsm.config.", "rlmm.config.")


def broker_setting(name: str) -> Setting | None:
    """The declaration behind a broker key, also behind `listener.name.<listener>.<name>`; None if there is none."""
    found = BROKER.get(name)
    if found is None:
        part = listener_setting(name)
        if part is not None:
            found = BROKER.get(part.name)
    return found


def is_dynamic(setting: Setting) -> bool:
    return setting.dynamic is not Dynamic.READ_ONLY


def is_known(name: str) -> bool:
    """Whether a broker key means something to somebody, though it need not be in the table."""
    return broker_setting(name) is not None or name in BESIDE_BROKER or name.startswith(_ACCEPTED_PREFIXES)


def nearest(name: str, table: dict[str, Setting] = BROKER) -> str | None:
    """The setting somebody who wrote `name` most likely meant, or None when nothing comes close."""
    # Imported here: only a start with a misspelt key pays for it.
    from difflib import get_close_matches

    lower = name.strip().lower().replace("_", ".").replace("-", ".")
    if lower in table:
        return lower
    found = get_close_matches(lower, [key for key in table if Flag.INTERNAL not in table[key].flags], 1, 0.8)
    return found[0] if found else None
