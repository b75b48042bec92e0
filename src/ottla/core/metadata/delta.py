"""What a run of committed records touched, so that a subscriber looks again only at that.

A delta names things; the image holds their new state. A topic that was deleted and created again under the same name
appears in both `deleted_topics` and `created_topics`, with its two ids.
"""

from __future__ import annotations

import msgspec

from ottla.core.metadata.nouns import ConfigResource
from ottla.core.model.ids import Uuid


class Delta(msgspec.Struct):
    """Names of what changed between the image before and the image now.

    Deletions are handled first, then the rest: a subscriber that keeps to this order never sees two topics of one name.
    `snapshot` marks the first delta after loading: everything in the image counts as changed.
    """

    created_topics: dict[Uuid, str] = {}
    deleted_topics: dict[Uuid, str] = {}
    changed_partitions: dict[tuple[Uuid, int], str] = {}
    """(topic id, partition) -> topic name; includes the partitions of created topics."""
    changed_configs: dict[ConfigResource, None] = {}
    changed_brokers: dict[int, None] = {}
    changed_controllers: dict[int, None] = {}
    changed_features: dict[str, None] = {}
    quotas_changed: bool = False
    scram_changed: bool = False
    acls_changed: bool = False
    tokens_changed: bool = False
    producer_ids_changed: bool = False
    snapshot: bool = False

    @property
    def empty(self) -> bool:
        return not (
            self.snapshot
            or self.created_topics
            or self.deleted_topics
            or self.changed_partitions
            or self.changed_configs
            or self.changed_brokers
            or self.changed_controllers
            or self.changed_features
            or self.quotas_changed
            or self.scram_changed
            or self.acls_changed
            or self.tokens_changed
            or self.producer_ids_changed
        )
