"""Clients of any Kafka cluster: `Producer` and what belongs to it. A name is loaded when it is first used.

from ottla.client import Producer

async with Producer(bootstrap_servers="localhost:9092") as producer:
    await (await producer.send("orders", b"hello"))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ottla.client.admin.admin import Admin as Admin
    from ottla.client.cluster import Cluster as Cluster
    from ottla.client.consuming.committing import CommitRefused as CommitRefused
    from ottla.client.consuming.committing import Committed as Committed
    from ottla.client.consuming.consumer import Consumer as Consumer
    from ottla.client.consuming.handing import Batch as Batch
    from ottla.client.consuming.listener import RebalanceListener as RebalanceListener
    from ottla.client.consuming.records import ConsumerRecord as ConsumerRecord
    from ottla.client.errors import ClientClosed as ClientClosed
    from ottla.client.errors import ClientError as ClientError
    from ottla.client.errors import ClientTimeout as ClientTimeout
    from ottla.client.errors import ConnectionFailed as ConnectionFailed
    from ottla.client.errors import NoBroker as NoBroker
    from ottla.client.errors import VersionMismatch as VersionMismatch
    from ottla.client.group_metadata import GroupMetadata as GroupMetadata
    from ottla.client.opening import NotOpen as NotOpen
    from ottla.client.producing.delivery import Delivered as Delivered
    from ottla.client.producing.delivery import Deliveries as Deliveries
    from ottla.client.producing.delivery import Delivery as Delivery
    from ottla.client.producing.delivery import Receipt as Receipt
    from ottla.client.producing.outgoing import Interceptor as Interceptor
    from ottla.client.producing.outgoing import Outgoing as Outgoing
    from ottla.client.producing.producer import Producer as Producer
    from ottla.client.producing.transactions import NoTransaction as NoTransaction
    from ottla.client.producing.transactions import TransactionFailed as TransactionFailed
    from ottla.client.settings import AdminSettings as AdminSettings
    from ottla.client.settings import ConnectionSettings as ConnectionSettings
    from ottla.client.settings import ConsumerSettings as ConsumerSettings
    from ottla.client.settings import ProducerSettings as ProducerSettings
    from ottla.client.settings import SettingRefused as SettingRefused
    from ottla.client.settings import ShareConsumerSettings as ShareConsumerSettings
    from ottla.client.sharing.consumer import NotAcknowledged as NotAcknowledged
    from ottla.client.sharing.consumer import NotInHand as NotInHand
    from ottla.client.sharing.consumer import ShareConsumer as ShareConsumer
    from ottla.client.sharing.records import ShareRecord as ShareRecord
    from ottla.core.model.errors import ErrorCode as ErrorCode
    from ottla.core.model.errors import KafkaError as KafkaError
    from ottla.core.partition.sharing.values import AcknowledgeType as AcknowledgeType

HOMES: Final = {
    "ottla.client.admin.admin": ("Admin",),
    "ottla.client.cluster": ("Cluster",),
    "ottla.client.consuming.committing": ("CommitRefused", "Committed"),
    "ottla.client.consuming.consumer": ("Consumer",),
    "ottla.client.consuming.handing": ("Batch",),
    "ottla.client.consuming.listener": ("RebalanceListener",),
    "ottla.client.consuming.records": ("ConsumerRecord",),
    "ottla.client.errors": (
        "ClientClosed",
        "ClientError",
        "ClientTimeout",
        "ConnectionFailed",
        "NoBroker",
        "VersionMismatch",
    ),
    "ottla.client.group_metadata": ("GroupMetadata",),
    "ottla.client.opening": ("NotOpen",),
    "ottla.client.producing.delivery": ("Deliveries", "Delivered", "Delivery", "Receipt"),
    "ottla.client.producing.outgoing": ("Interceptor", "Outgoing"),
    "ottla.client.producing.transactions": ("NoTransaction", "TransactionFailed"),
    "ottla.client.producing.producer": ("Producer",),
    "ottla.client.settings": (
        "AdminSettings",
        "ConnectionSettings",
        "ConsumerSettings",
        "ProducerSettings",
        "SettingRefused",
        "ShareConsumerSettings",
    ),
    "ottla.client.sharing.consumer": ("NotAcknowledged", "NotInHand", "ShareConsumer"),
    "ottla.client.sharing.records": ("ShareRecord",),
    "ottla.core.model.errors": ("ErrorCode", "KafkaError"),
    "ottla.core.partition.sharing.values": ("AcknowledgeType",),
}
"""Module -> what the package offers of it."""


def __getattr__(name: str) -> Any:
    for module, names in HOMES.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(name for names in HOMES.values() for name in names)
