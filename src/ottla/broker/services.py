"""What handlers reach: the parts of one node, wired together by `node.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ottla.broker.authorizer import AllowAll, Authorizer
from ottla.broker.metrics import NodeMetrics
from ottla.broker.telemetry import Telemetry
from ottla.broker.waiting import Deadlines
from ottla.core.partition.fetch_sessions import FetchSessions
from ottla.core.wire.apis import ListenerRole, VersionRange
from ottla.world.doors import World

if TYPE_CHECKING:
    from ottla.broker.config.node_settings import NodeSettings
    from ottla.broker.context import Context
    from ottla.broker.coordination.shards import Shards
    from ottla.broker.partitions import Partitions
    from ottla.broker.producer_ids import ProducerIds
    from ottla.broker.sharing.sharing import Sharing
    from ottla.broker.storage.store import LogStore
    from ottla.broker.streams_topics import Refusal
    from ottla.core.metadata.image import MetadataImage
    from ottla.core.model.ids import Uuid
    from ottla.core.wire.api_key import ApiKey
    from ottla.core.wire.declaration import Body


class ControllerPort(Protocol):
    """The way to the active controller, wherever it is."""

    async def request(self, context: Context, key: ApiKey, request: Body) -> Body: ...


class Metadata(Protocol):
    """Whoever keeps the committed image."""

    @property
    def image(self) -> MetadataImage: ...


class Services:
    """One per node. Handlers take what they need from here and reach nothing else."""

    def __init__(self, world: World, settings: NodeSettings, cluster_id: str, broker_epoch: int = -1) -> None:
        self.world = world
        self.clock = world.clock
        self.chance = world.chance
        self.settings = settings
        self.node_id = settings.node_id
        self.cluster_id = cluster_id
        self.metrics = NodeMetrics()
        self.authorizer: Authorizer = AllowAll()
        self.deadlines = Deadlines(world.clock)
        self.fetch_sessions = FetchSessions(settings["max.incremental.fetch.session.cache.slots"])
        self.metadata: Metadata
        self.controller: ControllerPort
        self.store: LogStore
        self.partitions: Partitions
        self.producer_ids: ProducerIds
        self.groups: Shards
        """The group coordinators of this node."""
        self.transactions: Shards
        """Its transaction coordinators."""
        self.share_states: Shards
        """Its share coordinators: what was delivered to share groups."""
        self.sharing: Sharing | None = None
        """Share partitions and sessions: there are none before the first member fetches."""
        self.coordinators: list[Shards]
        """All of these."""
        self.advertised: dict[ListenerRole, list[VersionRange]] = {}
        """What ApiVersions tells, by the kind of listener."""
        self.kraft_version = 0
        self.telemetry = Telemetry()
        self.creations_refused: set[str] = set()
        """Topics that could not be created automatically, whose reason stands in the log already."""
        self.auto_creating: set[str] = set()
        """Topics whose creation was asked for and has not been answered."""
        self.streams_topics_refused: dict[str, Refusal] = {}
        """Internal topics of streams groups that could not be created, and until when that is told."""

    @property
    def image(self) -> MetadataImage:
        """The committed metadata, as this broker has applied it."""
        return self.metadata.image

    def topic_id(self, name: str) -> Uuid | None:
        topic = self.metadata.image.topics_by_name.get(name)
        return None if topic is None else topic.id
