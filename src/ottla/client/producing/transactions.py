"""Transactions: batches and offsets that all count, or none of them (KIP-98).

A transactional id is one producer's at a time: whoever introduces himself under it fences the one before. The
coordinator keeps the state; this keeps up with it:

    ready -> open -> (commit or abort) -> ready
               \\-> failed -> (abort) -> ready
    fenced, from anywhere: another producer has the id, or what is in doubt cannot be settled

Where the cluster has agreed on transaction.version 2 (KIP-890), partitions become part of a transaction by being
written to, and every end gives the producer a new epoch. Before that, each partition and group is announced to the
coordinator, and an abort after a failure asks for a new epoch.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from typing import Any, Final, TypeVar

from ottla.client.cluster import Cluster
from ottla.client.consuming.committing import Committed
from ottla.client.coordinators import GROUP, TRANSACTION, Coordinators
from ottla.client.errors import ClientError
from ottla.client.group_metadata import GroupMetadata, Member, group_metadata
from ottla.client.producing.delivery import Delivered
from ottla.client.producing.identity import ANONYMOUS, Identity
from ottla.client.producing.txn_requests import (
    add_partitions_request,
    codes_of_commit,
    codes_of_partitions,
    offset_commit_request,
)
from ottla.client.settings import ProducerSettings
from ottla.core.model.errors import ErrorCode, KafkaError, error_of
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages.add_offsets_to_txn import AddOffsetsToTxnRequest, AddOffsetsToTxnResponse
from ottla.core.wire.messages.add_partitions_to_txn import AddPartitionsToTxnResponse
from ottla.core.wire.messages.end_txn import EndTxnRequest, EndTxnResponse
from ottla.core.wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from ottla.core.wire.messages.txn_offset_commit import TxnOffsetCommitResponse

R = TypeVar("R", bound=Body)
T = TypeVar("T")

FENCED: Final = frozenset(
    {
        ErrorCode.PRODUCER_FENCED,
        ErrorCode.INVALID_PRODUCER_EPOCH,
        ErrorCode.INVALID_PRODUCER_ID_MAPPING,
        ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        ErrorCode.INVALID_TXN_STATE,
    }
)
"""Errors after which this producer is of no more use."""

FEATURE: Final = "transaction.version"
IMPLICIT: Final = 2
"""The level of the feature from which partitions need not be announced."""

ANNOUNCED: Final = {"produce": 11, "end": 4, "offsets": 4, "partitions": 3}
"""The newest versions of requests for producers that announce partitions."""


class State(Enum):
    """How far a producer is with its transaction."""

    NEW = "not introduced"
    READY = "ready"
    OPEN = "in a transaction"
    COMMITTING = "committing"
    ABORTING = "aborting"
    FAILED = "in a transaction that failed"
    FENCED = "fenced"


class TransactionFailed(ClientError):
    """Something of the transaction was not written, or it was aborted: it cannot be committed."""

    hint = "abort it (abort_transaction), then begin another and do its work again."


class NoTransaction(ClientError):
    """A call that does not fit the state of the producer's transaction."""

    hint = "begin_transaction, then send, then commit_transaction or abort_transaction."


class Transactions(Identity):
    """The identity of a transactional producer, and its transaction."""

    transactional = True

    def __init__(self, cluster: Cluster, settings: ProducerSettings) -> None:
        super().__init__(cluster, settings)
        self.transactional_id = settings.transactional_id or ""
        self.state = State.NEW
        self.cause: Exception | None = None
        """Why the state is FAILED or FENCED."""
        self._coordinators = Coordinators(cluster)
        self._implicit = False
        self._members: set[tuple[str, int]] = set()
        self._started = False
        """The coordinator may know of the transaction."""
        self._in_doubt = False
        self._joining: Future[Any] | None = None
        """Partitions are being announced: they must not come into the next transaction."""

    @property
    def is_wanted(self) -> bool:
        return False

    # -- from state to state

    async def introduce(self) -> None:
        """Take the transactional id: fences whoever had it, and ends what he left open. Raises KafkaError."""
        if self.state is not State.NEW:
            return
        await self._take_id(ANONYMOUS)
        self.state = State.READY

    async def begin(self) -> None:
        """Open a transaction. Raises NoTransaction while one is open, TransactionFailed when fenced."""
        await self.introduce()
        self._require(State.READY)
        await self._look_version()
        self.state = State.OPEN

    @property
    def is_open(self) -> bool:
        """Whether there is something that can still be aborted: not what may be committed already."""
        return self.state in (State.OPEN, State.FAILED, State.ABORTING)

    @property
    def has_failed(self) -> bool:
        return self.state is State.FAILED

    def check_open(self) -> None:
        """Raises NoTransaction, TransactionFailed."""
        if self.state is not State.OPEN:
            self._require(State.OPEN)

    def committing(self) -> None:
        """Nothing more may be sent. Raises NoTransaction, TransactionFailed."""
        if self.state is not State.COMMITTING:
            self._require(State.OPEN)
            self.state = State.COMMITTING

    def aborting(self) -> None:
        """Nothing more may be sent, nor tried again. Raises NoTransaction, TransactionFailed when fenced."""
        if self.state not in (State.ABORTING, State.FAILED):
            self._require(State.OPEN)
        self.state = State.ABORTING
        self.giving_up = True

    def _require(self, wanted: State) -> None:
        if self.state is wanted:
            return
        if self.state in (State.FAILED, State.FENCED):
            failed = TransactionFailed(f"the producer is {self.state.value}: {self.cause}")
            if self.state is State.FENCED:
                failed.hint = "open a new producer; this one's work since its last commit does not count."
            raise failed from self.cause
        raise NoTransaction(f"the producer is {self.state.value}, not {wanted.value}")

    def fail(self, error: Exception) -> None:
        """The transaction can only be aborted, or not even that."""
        if isinstance(error, KafkaError) and error.code in FENCED:
            self.state, self.cause = State.FENCED, error
        elif self.state in (State.OPEN, State.COMMITTING):
            self.state, self.cause = State.FAILED, error

    def ended(self, delivered: Delivered) -> None:
        """A batch has reached its end."""
        if delivered.error is not None:
            self.fail(delivered.error)

    def lose(self) -> None:
        """A batch's place is in doubt. What is open cannot be committed; the next needs a new epoch."""
        self._in_doubt = True

    # -- what belongs to the transaction

    def is_member(self, topic: str, partition: int) -> bool:
        return self._implicit or (topic, partition) in self._members

    def writing(self) -> None:
        self._started = True

    async def join(self, partitions: list[tuple[str, int]]) -> None:
        """Announce partitions to the coordinator. Raises KafkaError."""
        request = add_partitions_request(self.transactional_id, self.current, partitions)

        async def ask() -> None:
            if self.giving_up:
                raise TransactionFailed("the transaction is being aborted")
            answer = await self._ask(
                request, AddPartitionsToTxnResponse, newest=ANNOUNCED["partitions"], codes=codes_of_partitions
            )
            raise_first(codes_of_partitions(answer), "partitions of the transaction")

        self._started = True
        joined = self._joining = self.cluster.world.clock.future()
        try:
            await self._patiently(ask)
            self._members.update(partitions)
        finally:
            self._joining = None
            if not joined.done():
                joined.set_result(None)

    async def send_offsets(
        self, offsets: Mapping[tuple[str, int], int | Committed], group: str | GroupMetadata | Member
    ) -> None:
        """Commit a group's offsets with the transaction. Raises KafkaError; then the transaction has failed."""
        self.check_open()
        who = group_metadata(group)
        if not self._implicit:
            await self._announce_group(who.group_id)
        request = offset_commit_request(self.transactional_id, self.current, who, offsets)
        newest = None if self._implicit else ANNOUNCED["offsets"]

        async def ask() -> None:
            answer = await self._coordinators.ask(
                GROUP,
                who.group_id,
                request,
                TxnOffsetCommitResponse,
                codes=codes_of_commit,
                newest=newest,
                timeout=self.settings.max_block_ms,
            )
            raise_first(codes_of_commit(answer), f"offsets of group {who.group_id!r}")

        self._started = True
        await self._patiently(ask)

    async def _announce_group(self, group_id: str) -> None:
        request = AddOffsetsToTxnRequest(self.transactional_id, *self.current, group_id)

        async def ask() -> None:
            answer = await self._ask(request, AddOffsetsToTxnResponse)
            raise_first([answer.error_code], f"group {group_id!r} of the transaction")

        self._started = True
        await self._patiently(ask)

    # -- the end

    async def end(self, *, commit: bool) -> None:
        """Tell the coordinator how it ends; afterwards another may begin. Raises KafkaError, ClientTimeout.

        When no answer came, the same may be asked again.
        """
        if self._joining is not None:
            await self._joining
        if self._started:
            newest = None if self._implicit else ANNOUNCED["end"]
            request = EndTxnRequest(self.transactional_id, *self.current, commit)

            async def ask() -> EndTxnResponse:
                answer = await self._ask(request, EndTxnResponse, newest=newest)
                raise_first([answer.error_code], "commit" if commit else "abort")
                return answer

            answer = await self._patiently(ask)
            if answer.producer_id >= 0:
                self.current = (answer.producer_id, answer.producer_epoch)
                self._in_doubt = False
        if self._in_doubt:
            await self._take_id(self.current)
        self._members.clear()
        self._started = self._in_doubt = self.giving_up = False
        self.state, self.cause = State.READY, None

    # -- asking

    async def _take_id(self, before: tuple[int, int]) -> None:
        """A producer id and epoch for the transactional id: the next epoch, when there was one before (KIP-360)."""
        request = InitProducerIdRequest(
            transactional_id=self.transactional_id,
            transaction_timeout_ms=self.settings.transaction_timeout_ms,
            producer_id=before[0],
            producer_epoch=before[1],
        )

        async def ask() -> InitProducerIdResponse:
            answer = await self._ask(request, InitProducerIdResponse)
            raise_first([answer.error_code], f"transactional id {self.transactional_id!r}")
            return answer

        answer = await self._patiently(ask)
        self.current = (answer.producer_id, answer.producer_epoch)

    async def _look_version(self) -> None:
        """Whether the cluster takes partitions into transactions as they are written to."""
        node = await self._coordinators.node(
            TRANSACTION, self.transactional_id, timeout=self.settings.max_block_ms
        )
        connection = await self.cluster.connection(node)
        self._implicit = connection.features.get(FEATURE, 0) >= IMPLICIT
        self.newest_produce = None if self._implicit else ANNOUNCED["produce"]

    async def _ask(
        self,
        request: Body,
        response: type[R],
        *,
        newest: int | None = None,
        codes: Callable[[R], list[int]] | None = None,
    ) -> R:
        """Ask the transaction's coordinator."""
        return await self._coordinators.ask(
            TRANSACTION,
            self.transactional_id,
            request,
            response,
            codes=codes,
            newest=newest,
            timeout=self.settings.max_block_ms,
        )

    async def _patiently(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Until it works or fails for good (CONCURRENT_TRANSACTIONS passes). What fails, fails the transaction."""
        try:
            return await self.cluster.retrying(attempt, timeout=self.settings.max_block_ms)
        except KafkaError as error:
            self.fail(error)
            raise


def raise_first(codes: list[int], what: str) -> None:
    """Raises KafkaError for the first code that is one."""
    for code in codes:
        if code:
            raise KafkaError(error_of(code), f"{what}: {error_of(code).sentence}")
