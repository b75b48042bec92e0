"""Everything an administrator asks and orders, in one client.

    async with Admin(bootstrap_servers="localhost:9092") as admin:
        await admin.create_topics([NewTopic("orders", partitions=3)])
        print(await admin.describe_groups(["billing"]))

Each call answers per item: what was asked for or None, or the KafkaError why not. A program that needs one noun alone
can take its class (`Topics`, `Groups`, ...), which is made and used in the same way.
"""

from __future__ import annotations

from ottla.client.admin.acls import Acls
from ottla.client.admin.brokers import Brokers
from ottla.client.admin.configs import Configs
from ottla.client.admin.credentials import Credentials
from ottla.client.admin.eligible import EligibleReplicas
from ottla.client.admin.group_offsets import GroupOffsets
from ottla.client.admin.groups import Groups
from ottla.client.admin.log_dirs import LogDirs
from ottla.client.admin.partitions import Partitions
from ottla.client.admin.quorum import Quorum
from ottla.client.admin.quotas import Quotas
from ottla.client.admin.share_groups import ShareGroups
from ottla.client.admin.streams_groups import StreamsGroups
from ottla.client.admin.topics import Topics
from ottla.client.admin.transactions import Transactions


class Admin(
    Topics,
    Configs,
    Brokers,
    LogDirs,
    Partitions,
    EligibleReplicas,
    Groups,
    GroupOffsets,
    ShareGroups,
    StreamsGroups,
    Transactions,
    Quorum,
    Quotas,
    Acls,
    Credentials,
):
    """Administers a cluster. Settings are keywords, Kafka's `properties`, or both; or a `cluster` that is lent."""
