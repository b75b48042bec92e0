"""What a consumer subscribes to: names, or a pattern over all names (RE2, as the broker's own patterns)."""

from __future__ import annotations

from collections.abc import Iterable

from ottla.client.cluster import Cluster
from ottla.client.errors import ClientError
from ottla.core.coordination.patterns import matcher


class Subscribed:
    """Names as they were given, or as a pattern finds them."""

    def __init__(
        self, topics: Iterable[str] = (), pattern: str | None = None, *, with_internal: bool = False
    ) -> None:
        """Raises KafkaError (INVALID_REGULAR_EXPRESSION) for a pattern that is none."""
        self.pattern = pattern
        self.names = frozenset(topics)
        self._matches = None if pattern is None else matcher(pattern)
        self._with_internal = with_internal

    async def resolve(self, cluster: Cluster, *, create: bool) -> frozenset[str]:
        """Ask for the topics anew; the names that are subscribed to, of a pattern those that match now."""
        if self._matches is None:
            await cluster.refresh(self.names, create=create)
            return self.names
        await cluster.refresh(None)
        self.names = frozenset(
            name
            for name, topic in cluster.view.topics.items()
            if (self._with_internal or not topic.internal) and self._matches(name)
        )
        return self.names


class NotSubscribed(ClientError):
    """Something was asked of a consumer that has nothing to read, or that is assigned in another way."""

    hint = "subscribe to topics or assign partitions first, one of the two."
