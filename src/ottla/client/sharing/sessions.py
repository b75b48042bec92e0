"""A share session: which partitions a broker knows we want, and the epoch that the next request has to name (KIP-932)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from typing import Final

from ottla.client.sharing.acknowledging import Run, Said, Share
from ottla.core.model.errors import ErrorCode
from ottla.core.model.ids import Uuid
from ottla.core.wire.messages import share_acknowledge, share_fetch

OPENING: Final = 0
CLOSING: Final = -1
LAST_EPOCH: Final = (1 << 31) - 1

BROKEN: Final = frozenset(
    {
        ErrorCode.SHARE_SESSION_NOT_FOUND,
        ErrorCode.INVALID_SHARE_SESSION_EPOCH,
        ErrorCode.SHARE_SESSION_LIMIT_REACHED,
    }
)
"""Errors after which a session begins anew."""


class ShareSession:
    """The session with one broker. Its requests go one after another: each names an epoch, and each moves it on."""

    __slots__ = ("_epoch", "_known")

    def __init__(self) -> None:
        self._epoch = OPENING
        self._known: frozenset[Share] = frozenset()

    @property
    def is_open(self) -> bool:
        return self._epoch != OPENING

    def fill(
        self, request: share_fetch.ShareFetchRequest, wanted: Set[Share], said: Mapping[Share, Said]
    ) -> None:
        """Say what has changed since the last request, and what is said of records."""
        request.share_session_epoch = self._epoch
        request.topics = [
            share_fetch.FetchTopic(
                topic_id=topic_id,
                partitions=[
                    share_fetch.FetchPartition(
                        partition_index=index,
                        acknowledgement_batches=[
                            share_fetch.AcknowledgementBatch(run.first, run.last, [run.kind])
                            for run in runs_of(said, topic_id, index)
                        ],
                    )
                    for index in indexes
                ],
            )
            for topic_id, indexes in by_topic((wanted - self._known) | said.keys()).items()
        ]
        request.forgotten_topics_data = [
            share_fetch.ForgottenTopic(topic_id=topic_id, partitions=indexes)
            for topic_id, indexes in by_topic(self._known - wanted).items()
        ]

    def fill_acknowledge(
        self,
        request: share_acknowledge.ShareAcknowledgeRequest,
        said: Mapping[Share, Said],
        *,
        closing: bool = False,
    ) -> None:
        """Say what is said of records, and nothing else; `closing` ends the session with it."""
        request.share_session_epoch = CLOSING if closing else self._epoch
        request.is_renew_ack = any(each.renews for each in said.values())
        request.topics = [
            share_acknowledge.AcknowledgeTopic(
                topic_id=topic_id,
                partitions=[
                    share_acknowledge.AcknowledgePartition(
                        partition_index=index,
                        acknowledgement_batches=[
                            share_acknowledge.AcknowledgementBatch(run.first, run.last, [run.kind])
                            for run in runs_of(said, topic_id, index)
                        ],
                    )
                    for index in indexes
                ],
            )
            for topic_id, indexes in by_topic(said).items()
        ]

    def answered(self, wanted: Iterable[Share] | None = None) -> None:
        """A request was taken; after a fetch the broker knows that these are `wanted`."""
        self._epoch = 1 if self._epoch == LAST_EPOCH else self._epoch + 1
        if wanted is not None:
            self._known = frozenset(wanted)

    def broken(self) -> None:
        """Begin anew with the next request. What was acquired in it is given to others."""
        self._epoch = OPENING
        self._known = frozenset()


def runs_of(said: Mapping[Share, Said], topic_id: Uuid, index: int) -> list[Run]:
    each = said.get((topic_id, index))
    return [] if each is None else each.runs()


def by_topic(shares: Iterable[Share]) -> dict[Uuid, list[int]]:
    found: dict[Uuid, list[int]] = defaultdict(list)
    for topic_id, index in sorted(shares):
        found[topic_id].append(index)
    return found
