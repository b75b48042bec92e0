"""One broker as a share consumer speaks to it: a session, whose requests go one after another.

What is said of records is heard by the broker, or told with an error: `heard` is called once for each partition of it.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable, Mapping, Set
from types import TracebackType
from typing import Any, Final, TypeAlias

from ottla.client.cluster import Cluster, shared
from ottla.client.errors import ClientError
from ottla.client.settings import ShareConsumerSettings
from ottla.client.sharing.acknowledging import Said, Share
from ottla.client.sharing.sessions import ShareSession
from ottla.core.model.errors import ErrorCode, KafkaError, error_of
from ottla.core.wire.codec import EncodeError
from ottla.core.wire.messages.share_acknowledge import ShareAcknowledgeRequest, ShareAcknowledgeResponse
from ottla.core.wire.messages.share_fetch import ShareFetchRequest, ShareFetchResponse

ACQUIRE_MODES: Final = {"batch_optimized": 0, "record_limit": 1}
CLOSE_TIMEOUT_MS: Final = 5_000

Heard: TypeAlias = "Callable[[Share, Said, Exception | None], None]"
"""(partition, what was said of it, why it does not count)."""


class ShareNode:
    """`async with` it to have the session to oneself; then ask."""

    def __init__(
        self,
        cluster: Cluster,
        settings: ShareConsumerSettings,
        node_id: int,
        lane: int,
        who: tuple[str, str],
        heard: Heard,
    ) -> None:
        """`who`: group and member id."""
        self._cluster = cluster
        self._settings = settings
        self._node_id = node_id
        self._lane = lane
        self._group_id, self._member_id = who
        self._heard = heard
        self._session = ShareSession()
        self._taken: Future[Any] | None = None
        self.unheard = 0
        """Partitions of which something is being said."""

    async def __aenter__(self) -> ShareNode:
        while self._taken is not None:
            await shared(self._taken, self._cluster.world)
        self._taken = self._cluster.world.clock.future()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        taken, self._taken = self._taken, None
        if taken is not None:
            taken.set_result(None)

    async def fetch(self, wanted: Set[Share], said: Mapping[Share, Said]) -> ShareFetchResponse:
        """Records of what is wanted, and what is said goes along. Raises KafkaError, ClientError."""
        if said and (not said.keys() <= wanted or any(each.renews for each in said.values())):
            await self.acknowledge(said)  # a fetch that renews brings nothing
            said = {}
        elif said and not self._session.is_open:
            self._all_heard(said, lost())
            said = {}
        settings = self._settings
        request = ShareFetchRequest(
            group_id=self._group_id,
            member_id=self._member_id,
            max_wait_ms=settings.fetch_max_wait_ms,
            min_bytes=settings.fetch_min_bytes,
            max_bytes=settings.fetch_max_bytes,
            max_records=settings.max_poll_records,
            batch_size=settings.max_poll_records,
            share_acquire_mode=ACQUIRE_MODES[settings.share_acquire_mode],
        )
        self._session.fill(request, wanted, said)
        patience = settings.request_timeout_ms + settings.fetch_max_wait_ms
        answer: ShareFetchResponse = await self._ask(request, ShareFetchResponse, said, patience)
        self._session.answered(wanted)
        self._each_heard(
            said,
            {
                (topic.topic_id, each.partition_index): each.acknowledge_error_code
                for topic in answer.responses
                for each in topic.partitions
            },
        )
        return answer

    async def acknowledge(self, said: Mapping[Share, Said], *, closing: bool = False) -> None:
        """Say this, and nothing else; `closing` gives back whatever else this session holds. Errors are told to `heard`."""
        if not self._session.is_open:
            self._all_heard(said, lost())
            return
        if not said and not closing:
            return
        request = ShareAcknowledgeRequest(group_id=self._group_id, member_id=self._member_id)
        self._session.fill_acknowledge(request, said, closing=closing)
        patience = CLOSE_TIMEOUT_MS if closing else self._settings.request_timeout_ms
        try:
            answer = await self._ask(request, ShareAcknowledgeResponse, said, patience)
        except (ClientError, KafkaError):
            return
        if closing:
            self._session.broken()
        else:
            self._session.answered()
        self._each_heard(
            said,
            {
                (topic.topic_id, each.partition_index): each.error_code
                for topic in answer.responses
                for each in topic.partitions
            },
        )

    async def _ask(self, request: Any, response: Any, said: Mapping[Share, Said], timeout: int) -> Any:
        """The answer, if it is one. Otherwise the session is over, and with it every lock. Raises KafkaError, ClientError."""
        self.unheard = len(said)
        try:
            answer = await self._cluster.on_node(
                self._node_id, request, response, timeout=timeout, lane=self._lane
            )
            code = error_of(answer.error_code)
            if code:
                raise KafkaError(code, answer.error_message or f"broker {self._node_id}: {code.sentence}")
        except (ClientError, KafkaError, EncodeError) as error:
            told: Exception = error
            if isinstance(error, EncodeError):
                told = KafkaError(ErrorCode.UNSUPPORTED_VERSION, f"broker {self._node_id}: {error}")
            self._session.broken()
            self._all_heard(said, told)
            raise told from error
        finally:
            self.unheard = 0
        return answer

    def _all_heard(self, said: Mapping[Share, Said], error: Exception) -> None:
        for share, each in said.items():
            self._heard(share, each, error)

    def _each_heard(self, said: Mapping[Share, Said], codes: Mapping[Share, int]) -> None:
        for share, each in said.items():
            # A partition that the answer leaves out was not acknowledged, as far as anybody knows.
            code = error_of(codes.get(share, ErrorCode.UNKNOWN_SERVER_ERROR))
            self._heard(share, each, KafkaError(code, code.sentence) if code else None)


def lost() -> KafkaError:
    return KafkaError(
        ErrorCode.SHARE_SESSION_NOT_FOUND,
        "the session in which the records were acquired is over: they are delivered again, maybe to others",
    )
