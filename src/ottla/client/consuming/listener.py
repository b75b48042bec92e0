"""What an application is told of its partitions as they come and go."""

from __future__ import annotations

from collections.abc import Set

from ottla.client.offsets import TopicPartition


class RebalanceListener:
    """Override what you want to know. All calls happen while the application waits in `poll` (or for the next record).

    An exception that a call raises ends the membership and comes out of `poll`.
    """

    async def on_assigned(self, partitions: Set[TopicPartition]) -> None:
        """These came; nothing of them has been read yet, so this is where to seek."""

    async def on_revoked(self, partitions: Set[TopicPartition]) -> None:
        """These go; commits of them are still accepted while this runs."""

    async def on_lost(self, partitions: Set[TopicPartition]) -> None:
        """These are somebody else's already: the group went on without this consumer. Commits would be refused."""
        await self.on_revoked(partitions)
