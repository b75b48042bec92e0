"""Reads what a decoder gives to its end, for decoders that need more around them than one call.

Each function takes bytes and either returns or raises what the product documents.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, Final

from ottla.broker.config.load import load_text
from ottla.broker.config.properties import parse_properties
from ottla.broker.coordination.loading import Replay
from ottla.broker.formatting.scram_argument import scram_record
from ottla.broker.quorum.batches import read_batches
from ottla.broker.quorum.checkpoints import BOOTSTRAP, parse_checkpoint
from ottla.broker.session import foreign_protocol
from ottla.cli.dump.files import decoder_for, file_rows
from ottla.cli.dump.rows import Options
from ottla.cli.line_template import LineTemplate
from ottla.cli.produce import Reading, draft_of
from ottla.cli.showing import json_line
from ottla.cli.template import Shown, compile_template
from ottla.client.connection import BrokerConnection, Waiting
from ottla.client.fetched import visible_batches
from ottla.client.groups.assignors import ASSIGNORS
from ottla.client.groups.subscription import (
    assignment_bytes,
    read_assignment,
    read_subscription,
    subscription_bytes,
)
from ottla.client.properties import settings_from
from ottla.client.serialization import (
    BOOLEAN,
    BYTES,
    DOUBLE,
    FLOAT,
    INTEGER,
    JSON,
    LONG,
    SHORT,
    STRING,
    UUID,
    Deserializer,
    SerializationError,
)
from ottla.client.settings import (
    ConnectionSettings,
    ConsumerSettings,
    ProducerSettings,
    ShareConsumerSettings,
)
from ottla.client.sharing.records import acquired
from ottla.core.groups.consumer import embedded
from ottla.core.groups.consumer.heartbeat import Beat
from ottla.core.groups.consumer.requests import check
from ottla.core.log.compaction import Round, Transactions, keep, note_keys
from ottla.core.log.epochs import LeaderEpochs
from ottla.core.log.index import AbortedTransaction
from ottla.core.log.offset_map import OffsetMap
from ottla.core.log.producers import ProducerStates
from ottla.core.log.scan import SegmentScan
from ottla.core.metadata.image import MetadataImage
from ottla.core.metadata.loader import Loader
from ottla.core.model.settings.kinds import InvalidSetting
from ottla.core.model.settings.table import TOPIC
from ottla.core.records.batch import headers, read_header
from ottla.core.records.columns import Columns, append_columns
from ottla.core.records.compression import Codec, decompress
from ottla.core.records.control import control_messages, end_transaction_marker
from ottla.core.records.keyed import keyed, whole
from ottla.core.records.record import Record, payload, records, walk
from ottla.core.records.rules import Rules
from ottla.core.records.validation import validate
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.apis import ListenerRole
from ottla.core.wire.codec import DecodeError, decode
from ottla.core.wire.coordinator_records import (
    CONSUMER_OFFSETS,
    SHARE_GROUP_STATE,
    TRANSACTION_STATE,
    UnknownKey,
    decode_key,
    decode_value,
)
from ottla.core.wire.frames import FrameReader
from ottla.core.wire.headers import opening, read_request_header
from ottla.core.wire.messages.api_versions import ApiVersionsResponse
from ottla.core.wire.messages.consumer_group_heartbeat import ConsumerGroupHeartbeatRequest
from ottla.core.wire.messages.fetch import AbortedTransaction as AnnouncedAbort
from ottla.core.wire.messages.fetch import FetchResponse
from ottla.core.wire.messages.join_group import JoinGroupRequest, JoinGroupResponse
from ottla.core.wire.messages.metadata import MetadataResponse
from ottla.core.wire.messages.share_fetch import AcquiredRecords
from ottla.core.wire.messages.sync_group import SyncGroupRequest, SyncGroupRequestAssignment
from ottla.core.wire.metadata_frame import METADATA_RECORDS, decode_metadata_record
from ottla.world.doors import Address
from tests.fuzz.samples.batches import WALL
from tests.fuzz.samples.files import JOINED_AT
from tests.fuzz.serving import served
from tests.unit.client.scripted import ScriptedWorld
from tests.unit.coordination.driving import World
from tests.unit.groups.consumer.driving import GROUP, Consumers
from tests.unit.groups.driving import Groups
from tests.unit.metadata.cluster import SeededChance
from tests.unit.monitoring.test_port import Wire, talk
from tests.unit.share_state.driving import ShareStates
from tests.unit.storage.world import MemoryDisk
from tests.unit.transactions.driving import Transactions as TransactionDriver

UNPACKED_MAX = 1 << 20
"""What compressed inputs may grow to while they are fuzzed, in bytes."""


READING: Final = Reading("orders", None, None, b":", (), None, b"\n", False)


def run_out(items: Iterable[Any]) -> None:
    deque(items, maxlen=0)


ANSWERS: Final = ((ApiVersionsResponse, 4), (MetadataResponse, 12), (FetchResponse, 12))


# -- network


def frames(data: bytes) -> None:
    """As a connection feeds them: in pieces as large as the buffer, then byte by byte at the end."""
    reader = FrameReader(1 << 20)
    at = 0
    while at < len(data):
        room = reader.buffer()
        size = min(len(room), max(1, (len(data) - at) // 2))
        room[:size] = data[at : at + size]
        del room
        reader.filled(size)
        at += size


def request_header(data: bytes) -> None:
    key, version, _ = opening(data)
    if key in ApiKey.__members__.values():
        read_request_header(data, ApiKey(key), version)


def answered(data: bytes) -> None:
    """As a client's connection reads answers, with three requests under way."""

    async def feed() -> None:
        connection = BrokerConnection(ScriptedWorld().doors, Address("broker", 9092), ConnectionSettings())
        futures = [asyncio.get_running_loop().create_future() for _ in ANSWERS]
        connection.opened(Wire())
        for correlation_id, ((answer, version), future) in enumerate(zip(ANSWERS, futures, strict=True), 1):
            connection._waiting.append(Waiting(correlation_id, answer, version, future, 1 << 40))
        for at in range(0, len(data), 1000):
            if not connection.usable:
                break
            piece = data[at : at + 1000]
            connection.buffer()[: len(piece)] = piece
            connection.filled(len(piece))
        connection.close()
        assert all(future.done() for future in futures), "nobody is left waiting"
        for future in futures:
            future.exception()

    asyncio.run(feed())


def dispatched(role: ListenerRole, data: bytes) -> None:
    served().ask(role, data)


def metrics_http(data: bytes) -> None:
    talk(*(data[at : at + 16_000] for at in range(0, len(data), 16_000)))


def foreign(data: bytes) -> None:
    foreign_protocol(data[:4])


# -- records


def first_batch(data: bytes) -> bytes:
    """The batch that `data` opens with, as whoever calls the decoders below has made sure of it."""
    for position, header in headers(data):
        return data[position : position + header.size]
    return b""


def batch_headers(data: bytes) -> None:
    for position, header in headers(data):
        _ = header.last_sequence, header.timestamp_type, header.delete_horizon, header.codec, position


def record_list(data: bytes) -> None:
    batch = first_batch(data)
    if batch:
        run_out(records(batch, limit=UNPACKED_MAX))


def record_keys(data: bytes) -> None:
    batch = first_batch(data)
    if batch:
        header = read_header(batch)
        run_out(whole(each, header) for _, each, _ in keyed(batch, header, limit=UNPACKED_MAX))


def record_columns(data: bytes) -> None:
    batch = first_batch(data)
    if batch:
        append_columns(Columns(), batch, read_header(batch), 1, UNPACKED_MAX)


def record_walk(data: bytes) -> None:
    batch = first_batch(data)
    if batch:
        header = read_header(batch)
        run_out(walk(payload(batch, header, UNPACKED_MAX), header.count))


def validated(rules: Rules, data: bytes) -> None:
    validate(data, rules, WALL + 1000, "orders-0")


def control(data: bytes) -> None:
    batch = first_batch(data)
    if batch:
        control_messages(batch)
        end_transaction_marker(batch)


def shared(data: bytes) -> None:
    """As a share consumer finds its own records in an answer, whatever offsets it was told."""
    ranges = [AcquiredRecords(0, 3, 1), AcquiredRecords(5, 1 << 62, 2)]
    acquired(memoryview(data), ranges, check_crcs=True)


def fetched(data: bytes) -> None:
    """As the consumer reads an answer, committed records only."""
    aborted = [AnnouncedAbort(producer_id=8, first_offset=0)]
    batches, _ = visible_batches(memoryview(data), 1, aborted, check_crcs=True)
    for batch in batches:
        run_out(batch.records())


def cleaned(data: bytes) -> None:
    """Both passes of compaction over the batches of a log."""
    offsets = OffsetMap(24 * 64)
    aborted = [AbortedTransaction(8, 0, 100, 100)]
    found = [(header, data[at : at + header.size]) for at, header in headers(data)]
    transactions = Transactions(aborted)
    for header, batch in found:
        if not note_keys(offsets, transactions, header, batch, 0):
            break
    cleaning = Round(offsets, {}, 1 << 40, WALL + 1000, 1000)
    transactions = Transactions(aborted)
    for header, batch in found:
        keep(cleaning, transactions, header, batch)


def scanned(data: bytes) -> None:
    """As recovery reads a segment."""
    scan = SegmentScan(0, 100, ProducerStates(), LeaderEpochs())
    scan.feed(data, True)
    scan.finish()


def unpacked(codec: Codec, data: bytes) -> None:
    assert len(decompress(codec, data, UNPACKED_MAX)) <= UNPACKED_MAX


# -- metadata and coordinators


def metadata_log(data: bytes) -> None:
    """As a node opens its metadata: decode, and apply to an image."""
    loader = Loader()
    for batch in read_batches(data, "here"):
        loader.load_batch(batch.base_offset, batch.epoch, batch.timestamp, batch.records)


def checkpoint(data: bytes) -> None:
    image = MetadataImage()
    for record in parse_checkpoint(data, "here", BOOTSTRAP).records:
        image.apply(record)


def metadata_record(data: bytes) -> None:
    decode_metadata_record(data, METADATA_RECORDS)


def coordinator_record(data: bytes) -> None:
    """Key and value behind the length of the key, read as records of each coordinator's topic."""
    (size,) = struct.unpack_from(">H", data.ljust(2, b"\0"))
    for types in (CONSUMER_OFFSETS, TRANSACTION_STATE, SHARE_GROUP_STATE):
        key = decode_key(data[2 : 2 + size], types)
        if not isinstance(key, UnknownKey):
            decode_value(data[2 + size :], key, types)


class Timeless:
    """A clock that stands, and on which nobody sleeps."""

    def now(self) -> int:
        return 0

    wall = now

    async def sleep(self, ms: int) -> None:
        """At once."""


def coordinator_log(data: bytes) -> None:
    """As a coordinator loads its partition: every batch, into the machine."""
    drivers = (Groups(), TransactionDriver(), ShareStates())
    kept = (frozenset({1}), frozenset({0}), frozenset[int]())
    log: Any = SimpleNamespace(name="a log")
    replays = [
        Replay(log, driver.machine, driver.types, None, types)
        for driver, types in zip(drivers, kept, strict=True)
    ]
    for position, header in headers(data):
        batch = memoryview(data)[position : position + header.size]
        for driver, replay in zip(drivers, replays, strict=True):
            replay.batch(batch, header, driver.moment)
    clock: Any = Timeless()
    for driver, replay in zip(drivers, replays, strict=True):
        with suppress(StopIteration):
            replay.catch_up(clock, lambda: True).send(None)
        driver.take(driver.machine.loaded(driver.moment))
        driver.pass_time(1000)


def joined(data: bytes) -> None:
    """A JoinGroup request, and what its sender does then."""
    request = decode(JoinGroupRequest, data, JOINED_AT)
    groups = Groups()
    token = groups.begin(request, version=3)
    groups.pass_time(0)
    answer = groups.answers.get(token)
    if isinstance(answer, JoinGroupResponse) and not answer.error_code:
        share = SyncGroupRequestAssignment(member_id=answer.member_id, assignment=data[:100])
        groups.ask(
            SyncGroupRequest(
                group_id=request.group_id,
                member_id=answer.member_id,
                group_instance_id=request.group_instance_id,
                generation_id=answer.generation_id,
                assignments=[share],
            )
        )
        request.member_id = answer.member_id
        groups.ask(request)
        groups.restart()


def met(data: bytes) -> None:
    """A JoinGroup request to a consumer group; and to a classic group that becomes one."""
    request = decode(JoinGroupRequest, data, JOINED_AT)
    request.group_id = GROUP
    for upgraded in (False, True):
        groups = Consumers()
        if not upgraded:
            groups.member("modern")
        token = groups.begin(request, version=3)
        groups.pass_time(0)
        answer = groups.answers.get(token)
        if isinstance(answer, JoinGroupResponse) and not answer.error_code:
            share = SyncGroupRequestAssignment(member_id=answer.member_id, assignment=data[-100:])
            groups.ask(
                SyncGroupRequest(
                    group_id=GROUP,
                    member_id=answer.member_id,
                    group_instance_id=request.group_instance_id,
                    generation_id=answer.generation_id,
                    assignments=[share],
                )
            )
        if upgraded:
            groups.beat("modern")
        groups.restart()


def embedded_in_groups(data: bytes) -> None:
    """What consumers of the classic protocol say to each other, and what is answered to it."""
    world = World(orders=6)
    try:
        embedded.owned(embedded.subscription(data), world)
    except DecodeError:
        share = embedded.given(embedded.assignment(data), world)
        embedded.assignment_bytes(share, world, embedded.version_of(data))


def shared_by_a_leader(data: bytes) -> None:
    """What the members of a group say to our consumer, when it leads, and what it says to them."""
    try:
        told = read_subscription(data)
    except DecodeError:
        read_assignment(data)
        return
    for assignor in ASSIGNORS.values():
        share = assignor.assign({"a": told, "b": told}, {"orders": 6})["a"]
        read_assignment(assignment_bytes(share))
    subscription_bytes(told.topics, told.owned, told.generation, told.rack)


def beaten(data: bytes) -> None:
    """A ConsumerGroupHeartbeat request to a group with a member."""
    request = decode(ConsumerGroupHeartbeatRequest, data, 1)
    groups = Consumers()
    groups.member("modern")
    request.group_id = GROUP
    check(request, 1, ["uniform", "range"])
    groups.ask(Beat(request, set), 1)
    groups.pass_time(0)
    groups.restart()


# -- files


def dumped(name: str, decoder: str, data: bytes) -> None:
    """As `ottla log dump` prints a file."""
    disk = MemoryDisk()
    disk.open(f"/{name}", create=True).write([data], 0)
    decoder_for(f"/orders-0/{name}")
    run_out(file_rows(disk, f"/{name}", Options(deep=True, print_data=True, decoder=decoder)))


# -- people


def node_settings(text: str) -> None:
    load_text(text)


def topic_config(text: str) -> None:
    """A topic's settings as an Alter request carries them: each for itself."""
    for name, value in parse_properties(text).items():
        for setting in [TOPIC[name]] if name in TOPIC else TOPIC.values():
            try:
                setting.read(value)
            except InvalidSetting:
                continue


def deserialized(data: bytes) -> None:
    """Every kind of value but the last, whose refusal is to be seen."""
    kinds: tuple[Deserializer[object], ...] = (
        BYTES,
        STRING,
        SHORT,
        INTEGER,
        LONG,
        FLOAT,
        DOUBLE,
        BOOLEAN,
        UUID,
    )
    for kind in kinds:
        with contextlib.suppress(SerializationError):
            kind.deserialize("orders", data)
    JSON.deserialize("orders", data)


def client_settings(text: str) -> None:
    for kind in (ProducerSettings, ConsumerSettings, ShareConsumerSettings):
        settings_from(kind, parse_properties(text))


def output_template(text: str) -> None:
    header = read_header(bytes(61))
    record = Record(5, WALL, b"key", None, (("a", b"1"), ("b", None)))
    compile_template(text)(Shown("orders", 0, record, header, 1))


def input_template(text: str) -> None:
    template, _, line = text.partition("\0")
    LineTemplate(template).read(line.encode())


def shown(data: bytes) -> None:
    """As `ottla consume` prints what it fetched: through every verb, and as JSON."""
    show = compile_template("%t %p %o %e %i %k{json} %v{hex} %K %V %S %H %T %x %y %h{%k=%v;} %h %d %d{%F %T}")
    for position, header in headers(data):
        for record in records(data[position : position + header.size], header, limit=UNPACKED_MAX):
            what = Shown("orders", 0, record, header, 1)
            show(what)
            json_line(what)


def input_line(line: bytes) -> None:
    draft_of(READING, line, 1)


def scram_argument(text: str) -> None:
    scram_record(text, SeededChance(1))
