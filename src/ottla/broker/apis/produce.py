"""Produce (key 0): append record batches to partitions this broker leads.

Behaviour: `acks` 0 (no answer; an error closes the connection, the only way to tell), 1, -1 (once committed, with
NOT_ENOUGH_REPLICAS before and NOT_ENOUGH_REPLICAS_AFTER_APPEND behind the append). Each partition of a request stands
for itself. Where a flush or replicas have to be waited for, `timeout_ms` bounds the wait.

Versions: 3-13 served, 0 advertised (KAFKA-18659). 5 log start offset; 8 record errors; 10 the current leader beside
NOT_LEADER_OR_FOLLOWER (KIP-951); 13 topic ids only.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Awaitable
from typing import Final

from ottla.broker.context import CloseConnection, Context
from ottla.broker.coordination.proving import (
    RETRIED,
    Proof,
    goes_on,
    in_transactions,
)
from ottla.broker.endpoints import name_node, node_of
from ottla.broker.partition import Partition
from ottla.broker.services import Services
from ottla.broker.topic_metadata import INTERNAL_TOPICS
from ottla.core.model.errors import ErrorCode, KafkaError, error_of
from ottla.core.model.ids import Uuid
from ottla.core.records.batch import BatchHeader, first_header
from ottla.core.records.errors import InvalidRecords
from ottla.core.records.validation import check_produce
from ottla.core.transactions.transaction import Place
from ottla.core.wire.messages.produce import (
    BatchIndexAndErrorMessage,
    LeaderIdAndEpoch,
    NodeEndpoint,
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
    TopicProduceResponse,
)
from ottla.core.wire.permissions import Operation, ResourceType

ACKS: Final = (-1, 0, 1)
WRITE: Final = Operation.WRITE
TOPIC: Final = ResourceType.TOPIC
ADMIN_CLIENT: Final = "__admin_client"
"""Kafka's back door into internal topics: the client id its own tools use."""

WITHOUT_START: Final = frozenset(
    {
        ErrorCode.NOT_LEADER_OR_FOLLOWER,
        ErrorCode.MESSAGE_TOO_LARGE,
        ErrorCode.RECORD_LIST_TOO_LARGE,
        ErrorCode.CORRUPT_MESSAGE,
        ErrorCode.KAFKA_STORAGE_ERROR,
    }
)
"""Errors of an append whose answer does not tell where the log begins; the others do."""


class UnverifiedTransaction(KafkaError):
    """Records of a transaction that its coordinator does not vouch for. Where it could not be asked, the producer is to
    try again, as with Kafka."""

    def __init__(self, code: ErrorCode) -> None:
        told = ErrorCode.NOT_ENOUGH_REPLICAS if code in RETRIED else code
        text = "Unable to verify the partition has been added to the transaction. Underlying error: "
        super().__init__(told, text + code.name if code in RETRIED else None)


def handle(
    services: Services, context: Context, request: ProduceRequest
) -> ProduceResponse | Awaitable[ProduceResponse | None] | None:
    if request.transactional_id is not None:
        unproven = in_transactions(services, context, request)
        if unproven:
            return _prove_and_append(services, context, request, unproven)
    return _append(services, context, request, {})


async def _prove_and_append(
    services: Services, context: Context, request: ProduceRequest, unproven: list[Proof]
) -> ProduceResponse | None:
    """Ask the coordinator whether the partitions take part, or have them take part, and append then."""
    for proof in unproven:
        await proof.ask(services, context)
    proofs = {place: proof for proof in unproven for place in proof.partitions}
    outcome = _append(services, context, request, proofs)
    for proof in unproven:
        proof.release()
    return await outcome if isinstance(outcome, Awaitable) else outcome


def _append(
    services: Services, context: Context, request: ProduceRequest, proofs: dict[Place, Proof]
) -> ProduceResponse | Awaitable[ProduceResponse] | None:
    producing = Producing(services, context, request, proofs)
    for topic in once(request.topic_data):
        name = topic.name
        if context.version >= 13:
            name = services.partitions.topic_name(topic.topic_id) or ""
        answers = [producing.append(name, each) for each in topic.partition_data]
        producing.response.responses.append(TopicProduceResponse(topic.name, topic.topic_id, answers))
    if request.acks == 0:
        producing.close_on_error()
        return None
    return producing.response if not producing.waiting else producing.wait()


def once(topics: list[TopicProduceData]) -> list[TopicProduceData]:
    """Each partition once. As in Kafka, of those named twice the last one counts, and a topic without any is dropped."""
    if len(topics) == 1 and len(topics[0].partition_data) == 1:
        return topics
    merged: dict[tuple[str, bytes], dict[int, PartitionProduceData]] = {}
    for topic in topics:
        for each in topic.partition_data:
            merged.setdefault((topic.name, topic.topic_id), {})[each.index] = each
    return [
        TopicProduceData(name=name, topic_id=Uuid(topic_id), partition_data=list(partitions.values()))
        for (name, topic_id), partitions in merged.items()
    ]


def opens(records: bytes | memoryview | None) -> bool:
    """Whether these bytes begin with the header of a batch."""
    try:
        return records is not None and first_header(records, len(records)) is not None
    except KafkaError:
        return False


class Producing:
    """One request: appends, and the answers that have to wait."""

    __slots__ = ("_acks", "_context", "_proofs", "_request", "_services", "done", "response", "waiting")

    def __init__(
        self,
        services: Services,
        context: Context,
        request: ProduceRequest,
        proofs: dict[Place, Proof],
    ) -> None:
        self._services = services
        self._context = context
        self._request = request
        self._acks = request.acks
        self._proofs = proofs
        self.response = ProduceResponse()
        self.waiting: dict[int, tuple[PartitionProduceResponse, Partition, int]] = {}
        self.done: Future[ProduceResponse] | None = None

    def append(self, topic: str, data: PartitionProduceData) -> PartitionProduceResponse:
        """Append to one partition; what it answers, for now."""
        acks = self._acks
        records: bytes | memoryview | None = data.records  # type: ignore[assignment]
        answer = PartitionProduceResponse(data.index, 0, -1)
        size = 0 if records is None else len(records)
        partition: Partition | None = None
        try:
            found = self._partition(topic, data.index)
            header = self._header(records, found)
            partition = found  # from here on an error may tell where its log begins
            appended = partition.append(records, acks, header=header)  # type: ignore[arg-type]
        except KafkaError as error:
            self._refuse(answer, topic, size, error)
            if partition is None and error.code == ErrorCode.CORRUPT_MESSAGE and not opens(records):
                answer.error_message = error.text  # Kafka says this before it looks at any partition
            if partition is not None and partition.log is not None and error.code not in WITHOUT_START:
                answer.log_start_offset = partition.log.start_offset
            return answer
        answer.base_offset = appended.base_offset
        answer.log_append_time_ms = appended.log_append_time
        answer.log_start_offset = appended.log_start_offset
        metrics = self._services.metrics.topic(topic)
        metrics.produce_requests += 1
        if not appended.duplicate:
            metrics.bytes_in += size
            metrics.messages_in += appended.last_offset - appended.base_offset + 1
        # What is committed is safe whatever was asked for: nearly every answer can leave at once.
        if (
            acks
            and partition.machine.high_watermark <= appended.last_offset
            and not partition.safe(appended.last_offset + 1, acks)
        ):
            self.waiting[id(answer)] = (answer, partition, appended.last_offset + 1)
        return answer

    def _partition(self, topic: str, index: int) -> Partition:
        """The partition, if records may be offered to its log."""
        services = self._services
        if not topic and self._context.version >= 13:
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_ID)
        if not services.authorizer.allows(self._context, WRITE, TOPIC, topic):
            raise KafkaError(ErrorCode.TOPIC_AUTHORIZATION_FAILED)
        partition = services.partitions.get(topic, index)
        if topic in INTERNAL_TOPICS and self._context.client_id != ADMIN_CLIENT:
            raise KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, f"Cannot append to internal topic {topic}")
        if self._acks not in ACKS:
            raise KafkaError(ErrorCode.INVALID_REQUIRED_ACKS)
        return partition

    def _header(self, records: bytes | memoryview | None, partition: Partition) -> BatchHeader:
        """The header of the batch in `records`, if a request like this one may carry it."""
        transactional = self._request.transactional_id is not None
        header = check_produce(records, self._context.version, transactional=transactional)
        if transactional and header.is_transactional:
            self._check_transaction(header, partition)
        return header

    def _check_transaction(self, header: BatchHeader, partition: Partition) -> None:
        """Raises UnverifiedTransaction unless this partition takes part in the transaction."""
        proof = self._proofs.get((partition.topic, partition.index))
        if proof is None or goes_on(partition, header.producer_id, header.producer_epoch):
            return
        code = proof.error(partition)
        if code:
            raise UnverifiedTransaction(code)
        proof.check_order(partition, header.base_sequence)

    def _refuse(self, answer: PartitionProduceResponse, topic: str, size: int, error: KafkaError) -> None:
        """As in Kafka, the reason is put into words only where single records are refused."""
        answer.error_code = error.code
        if isinstance(error, InvalidRecords):
            answer.error_message = error.message
            answer.record_errors = [
                BatchIndexAndErrorMessage(batch_index=each.index, batch_index_error_message=each.message)
                for each in error.record_errors
            ]
        elif isinstance(error, UnverifiedTransaction):
            answer.error_message = error.message
        if topic in self._services.image.topics_by_name:
            metrics = self._services.metrics.topic(topic)
            metrics.produce_requests += 1
            metrics.failed_produce_requests += 1
            metrics.bytes_rejected += size
        if error.code == ErrorCode.NOT_LEADER_OR_FOLLOWER and self._context.version >= 10:
            self._name_leader(answer, topic)

    def _name_leader(self, answer: PartitionProduceResponse, topic: str) -> None:
        image = self._services.image.partition(topic, answer.index)
        if image is None:
            return
        answer.current_leader = LeaderIdAndEpoch(leader_id=image.leader, leader_epoch=image.leader_epoch)
        node = node_of(self._services, self._context, image.leader)
        name_node(self.response.node_endpoints, node, NodeEndpoint)

    def close_on_error(self) -> None:
        """acks=0: the client learns of an error only when the connection ends."""
        failed = [
            f"{topic.name or topic.topic_id.hex()}-{each.index} {error_of(each.error_code).name}"
            for topic in self.response.responses
            for each in topic.partition_responses
            if each.error_code
        ]
        if failed:
            raise CloseConnection(f"a produce request with acks=0 failed: {', '.join(failed)}", kind="acks=0")

    # -- waiting

    def wait(self) -> Future[ProduceResponse]:
        """Answer when every append is safe, or `timeout_ms` is over."""
        services = self._services
        self.done = services.clock.future()
        when = services.clock.now() + max(self._request.timeout_ms, 0)
        deadline = services.deadlines.add(when, self._out_of_time)
        self.done.add_done_callback(lambda _: deadline.cancel())
        for place, (_, partition, offset) in list(self.waiting.items()):
            partition.when_safe(offset, self._request.acks, lambda code, place=place: self._safe(place, code))  # type: ignore[misc]
        return self.done

    def _safe(self, place: int, code: ErrorCode) -> None:
        waited = self.waiting.pop(place, None)
        if waited is None:
            return
        if code:
            waited[0].error_code = code
            if code == ErrorCode.KAFKA_STORAGE_ERROR:  # it is in the log, but nobody knows for how long
                waited[0].base_offset = -1
        self._maybe_answer()

    def _out_of_time(self) -> None:
        for answer, _, _ in self.waiting.values():
            answer.error_code = ErrorCode.REQUEST_TIMED_OUT
        self.waiting.clear()
        self._maybe_answer()

    def _maybe_answer(self) -> None:
        if not self.waiting and self.done is not None and not self.done.done():
            self.done.set_result(self.response)
