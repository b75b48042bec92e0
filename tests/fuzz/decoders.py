"""Every function of the product that takes bytes from outside: from the network, from the disk, from people.

One row a decoder. Ordinary tests, `make fuzz` and the house test that looks for decoders without a row read this
table; to add one is one line. What a row says is explained in `decoder.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

import click

from ottla.broker.apis import CONTROLLER_HANDLERS, HANDLERS, envelope
from ottla.broker.config.properties import parse_properties
from ottla.broker.formatting.options import FormatError, parse_feature, parse_initial_controllers
from ottla.broker.quorum.batches import MetadataLogError
from ottla.cli.consume import parse_partitions
from ottla.cli.contexts import parse_contexts
from ottla.cli.dump.rows import Broken
from ottla.cli.group.plan import BadPlan, read_plan
from ottla.cli.kafka.delete_records import offsets_in
from ottla.cli.kafka.get_offsets import rule_in
from ottla.cli.kafka.options import Ended
from ottla.cli.line_template import BadLine
from ottla.cli.offset_grammar import BadOffset, parse_offsets
from ottla.cli.problems import Problem
from ottla.cli.produce import parse_header
from ottla.cli.template import BadTemplate
from ottla.cli.topic.create import parse_assignment
from ottla.client.properties import parse_servers
from ottla.client.serialization import SerializationError
from ottla.client.settings import SettingRefused
from ottla.core.log import checkpoints, names
from ottla.core.log.index import aborted_entries
from ottla.core.log.producer_snapshots import read_snapshot
from ottla.core.metadata.replay import ReplayError
from ottla.core.model.errors import KafkaError
from ottla.core.model.ids import uuid_parse
from ottla.core.model.settings.kinds import InvalidSetting
from ottla.core.raft.election import parse_quorum_state
from ottla.core.records.batch import TimestampType
from ottla.core.records.compression import Codec
from ottla.core.records.rules import Rules
from ottla.core.records.validation import check_produce
from ottla.core.wire import headers
from ottla.core.wire.apis import API, ListenerRole
from ottla.core.wire.codec import decode
from ottla.core.wire.declaration import Body
from ottla.core.wire.frames import FrameError
from ottla.core.wire.primitives import DecodeError
from tests.fuzz import directories, reading
from tests.fuzz.decoder import Decoder, text
from tests.fuzz.samples import batches, compressed, files, people, requests
from tests.fuzz.samples.files import texts
from tests.fuzz.samples.messages import every_version, message_samples

UNPACKING: Final = 4 * reading.UNPACKED_MAX
"""Memory that a decoder which decompresses takes at most: the pieces, the whole, and what is read out of it."""
BROKEN_LOG: Final = (KafkaError,)
RULES: Final = {
    "header": Rules(decompressed_limit=reading.UNPACKED_MAX),
    "deep": Rules(deep=True, decompressed_limit=reading.UNPACKED_MAX),
    "compacted": Rules(compacted=True, decompressed_limit=reading.UNPACKED_MAX),
    "converted": Rules(codec=Codec.SNAPPY, decompressed_limit=reading.UNPACKED_MAX),
    "stamped": Rules(
        deep=True, timestamp_type=TimestampType.LOG_APPEND_TIME, decompressed_limit=reading.UNPACKED_MAX
    ),
    "aged": Rules(before_max_ms=1000, after_max_ms=1000, decompressed_limit=reading.UNPACKED_MAX),
}


def _message(cls: type[Body], version: int, data: bytes) -> object:
    return decode(cls, data, version)


def wire() -> Iterator[Decoder]:
    """Every message in every version: requests as a node reads them, responses as a client does, records of logs."""
    for cls, version in every_version():
        samples = partial(message_samples, cls, version)
        decoder = partial(_message, cls, version)
        yield Decoder(f"wire {cls.__name__} {version}", decoder, samples, (DecodeError,), memory_per_byte=200)


NETWORK: Final = (
    Decoder("network frames", reading.frames, requests.frames, (FrameError,)),
    Decoder("network opening", headers.opening, requests.bodies, (DecodeError,)),
    Decoder("network request-header", reading.request_header, requests.bodies, (DecodeError,)),
    Decoder("network envelope-principal", envelope._principal, requests.principals, (KafkaError,)),
    Decoder("network metrics-http", reading.metrics_http, requests.http, memory_at_rest=1 << 20),
    Decoder(
        "network answers", reading.answered, requests.answers, memory_at_rest=1 << 20, memory_per_byte=200
    ),
    Decoder(
        "network client-values",
        reading.deserialized,
        lambda: [b"{}", b"[1,null]", bytes(8), b"12345678-1234-5678-1234-567812345678", b"true"],
        (SerializationError,),
    ),
    Decoder("network foreign-protocol", reading.foreign, requests.http),
)


def compressions() -> Iterator[Decoder]:
    for codec, samples in compressed.SAMPLES.items():
        name = codec.name.lower()
        mend = compressed.lz4_mended if codec is Codec.LZ4 else None
        yield Decoder(
            f"compression {name}",
            partial(reading.unpacked, codec),
            samples,
            (KafkaError,),
            mend=mend,
            memory_at_rest=UNPACKING,
        )


def batch_decoders() -> Iterator[Decoder]:
    row = partial(Decoder, refuses=(KafkaError,), mend=batches.mended, memory_at_rest=UNPACKING)
    yield row("records headers", reading.batch_headers, batches.logs)
    yield row("records list", reading.record_list, batches.every_batch)
    yield row("records keys", reading.record_keys, batches.every_batch)
    yield row("records columns", reading.record_columns, batches.every_batch)
    yield row("records walk", reading.record_walk, batches.every_batch)
    yield row("records control", reading.control, batches.control_batches)
    for name, rules in RULES.items():
        yield row(f"records validate-{name}", partial(reading.validated, rules), batches.data_batches)
    for version in (3, 7, 13):
        check = partial(check_produce, version=version, transactional=False)
        yield row(f"records produce-{version}", check, batches.every_batch)
    yield row("records fetched", reading.fetched, batches.logs)
    yield row("records shared", reading.shared, batches.logs)
    yield row("records shown", reading.shown, batches.logs)
    yield row("records compaction", reading.cleaned, batches.logs)
    yield row("records recovery", reading.scanned, batches.logs)._replace(refuses=())


METADATA: Final = (
    Decoder(
        "metadata record",
        reading.metadata_record,
        files.metadata_records,
        (DecodeError,),
        memory_per_byte=200,
    ),
    Decoder(
        "metadata log",
        reading.metadata_log,
        files.metadata_log,
        (MetadataLogError, ReplayError),
        mend=batches.mended,
        memory_at_rest=UNPACKING,
        memory_per_byte=200,
    ),
    Decoder(
        "metadata checkpoint",
        reading.checkpoint,
        files.metadata_checkpoint,
        (MetadataLogError, ReplayError),
        mend=batches.mended,
        memory_at_rest=UNPACKING,
        memory_per_byte=200,
    ),
    Decoder(
        "metadata coordinator-record",
        reading.coordinator_record,
        files.coordinator_records,
        (DecodeError,),
        memory_per_byte=200,
    ),
    Decoder(
        "metadata coordinator-log",
        reading.coordinator_log,
        files.coordinator_log,
        BROKEN_LOG,
        mend=batches.mended,
        memory_at_rest=UNPACKING,
        memory_per_byte=2000,
    ),
    Decoder(
        "network join-group",
        reading.joined,
        files.joining,
        (DecodeError,),
        memory_at_rest=4 << 20,
        memory_per_byte=2000,
    ),
    Decoder(
        "network join-consumer-group",
        reading.met,
        files.joining,
        (DecodeError,),
        memory_at_rest=4 << 20,
        memory_per_byte=2000,
    ),
    Decoder(
        "network embedded-consumer",
        reading.embedded_in_groups,
        files.embedded_consumers,
        (DecodeError,),
        memory_per_byte=200,
    ),
    Decoder(
        "network led-consumers",
        reading.shared_by_a_leader,
        files.embedded_consumers,
        (DecodeError,),
        memory_per_byte=2000,
    ),
    Decoder(
        "network consumer-heartbeat",
        reading.beaten,
        files.heartbeats,
        (DecodeError, KafkaError),
        memory_at_rest=4 << 20,
        memory_per_byte=2000,
    ),
)


def small_files() -> Iterator[Decoder]:
    row = partial(Decoder, refuses=(ValueError,), text=True)
    yield row("file offset-checkpoint", text(checkpoints.parse_offsets), files.offset_checkpoint)
    yield row("file epoch-checkpoint", text(checkpoints.parse_epochs), files.epoch_checkpoint)
    yield row("file partition.metadata", text(checkpoints.parse_partition_metadata), files.partition_metadata)
    yield row("file clean-shutdown", text(checkpoints.parse_clean_shutdown), files.clean_shutdown)
    yield row("file meta.properties", text(checkpoints.parse_meta_properties), files.meta_properties)
    yield row("file quorum-state", text(parse_quorum_state), files.quorum_state)
    yield Decoder(
        "file producer-snapshot",
        read_snapshot,
        files.producer_snapshot,
        (ValueError,),
        mend=files.producer_snapshot_mended,
    )
    yield Decoder(
        "file transaction-index",
        lambda data: list(aborted_entries(data)),
        files.transaction_index,
        (ValueError,),
    )


def file_names() -> Iterator[Decoder]:
    row = partial(Decoder, refuses=(), text=True)
    directories = texts("orders-0", "a-b-1." + "a1" * 16 + "-future", "x-2." + "0" * 32 + "-delete")
    segments = texts("00000000000000000012.log", "00000000000000000012.timeindex.cleaned", "0.index")
    snapshots = texts("00000000000000000012.snapshot", "00000000000000000012.snapshot.deleted")
    yield row("name directory", text(names.parse_directory), lambda: directories)
    yield row("name segment", text(names.parse_segment_file), lambda: segments)
    yield row("name snapshot", text(names.parse_snapshot), lambda: snapshots)


def log_directories() -> Iterator[Decoder]:
    """A partition's directory in which one file was spoiled; the log opens with what can be saved."""
    for name in (*directories.SUFFIXES, *directories.FILES):
        yield Decoder(
            f"directory {name}",
            partial(directories.opened, name),
            partial(directories.samples, name),
            text=name in directories.FILES,
            mend=batches.mended if name == ".log" else None,
            memory_at_rest=8 << 20,
        )


def dumps() -> Iterator[Decoder]:
    row = partial(Decoder, refuses=(Broken,), memory_at_rest=1 << 20, memory_per_byte=200)
    log = "00000000000000000000.log"
    mended = partial(row, mend=batches.mended, memory_at_rest=70 << 20)
    yield mended("dump log", partial(reading.dumped, log, "plain"), batches.logs)
    yield mended("dump metadata-log", partial(reading.dumped, log, "metadata"), files.metadata_log)
    yield mended("dump offsets-log", partial(reading.dumped, log, "offsets"), batches.logs)
    yield mended(
        "dump checkpoint", partial(reading.dumped, "0.checkpoint", "metadata"), files.metadata_checkpoint
    )
    for suffix, samples in (
        ("index", files.offset_index),
        ("timeindex", files.time_index),
        ("txnindex", files.transaction_index),
        ("snapshot", files.producer_snapshot),
    ):
        yield row(f"dump {suffix}", partial(reading.dumped, f"{0:020d}.{suffix}", "plain"), samples)
    for name, samples in (
        ("replication-offset-checkpoint", files.offset_checkpoint),
        ("leader-epoch-checkpoint", files.epoch_checkpoint),
        ("partition.metadata", files.partition_metadata),
        ("meta.properties", files.meta_properties),
        ("quorum-state", files.quorum_state),
        (".kafka_cleanshutdown", files.clean_shutdown),
    ):
        yield row(f"dump {name}", partial(reading.dumped, name, "plain"), samples, text=True)


def written_by_people() -> Iterator[Decoder]:
    row = partial(Decoder, text=True)
    wrong = (InvalidSetting,)
    yield row("people properties", text(parse_properties), people.properties, wrong)
    yield row(
        "people settings", text(reading.node_settings), people.properties, wrong, memory_at_rest=4 << 20
    )
    yield row("people topic-config", text(reading.topic_config), people.properties, wrong)
    yield row(
        "people client-settings",
        text(reading.client_settings),
        people.client_properties,
        (*wrong, SettingRefused),
    )
    yield row("people servers", text(parse_servers), lambda: texts("a:1,[::1]:2", "h"), (SettingRefused,))
    yield row(
        "people offsets", text(partial(parse_offsets, now=1_700_000_000_000)), people.offsets, (BadOffset,)
    )
    yield row(
        "people output-template",
        text(reading.output_template),
        people.output_templates,
        (BadTemplate,),
        memory_per_byte=1000,  # a closure for each verb, and what strftime is asked to pad
    )
    yield row(
        "people input-template", text(reading.input_template), people.input_templates, (BadTemplate, BadLine)
    )
    yield row("people input-line", reading.input_line, lambda: texts("key:value"), (Problem,))
    yield row(
        "people contexts",
        text(partial(parse_contexts, path="contexts.toml")),
        lambda: texts('current = "dev"\n[contexts.dev]\n"bootstrap.servers" = "h:1"\nclient.id = "x"\n'),
        (Problem,),
        memory_per_byte=400,  # tomllib's regular expressions remember each digit they could go back to
    )
    yield row(
        "people delete-records",
        offsets_in,
        lambda: texts('{"partitions": [{"topic": "orders", "partition": 0, "offset": 3}], "version": 1}'),
        (Ended,),
    )
    yield row("people partition-rules", text(rule_in), lambda: texts("orders:0-3", "o.*:1", ":-2"), (Ended,))
    yield row("people header", text(parse_header), lambda: texts("a=b", "a:b", "a"))
    yield row("people assignment", text(parse_assignment), lambda: texts("1:2,2:3"), (click.UsageError,))
    yield row(
        "people partitions",
        text(lambda given: parse_partitions((given,))),
        lambda: texts("1,2,3"),
        (click.UsageError,),
    )
    yield row("people plan", text(read_plan), lambda: texts("orders,0,42\n", "orders,1,\n"), (BadPlan,))
    yield row("people controllers", text(parse_initial_controllers), people.controllers, (FormatError,))
    yield row("people feature", text(parse_feature), lambda: texts("group.version=1"), (FormatError,))
    yield row("people scram", text(reading.scram_argument), people.scram, (FormatError,))
    yield row("people uuid", text(uuid_parse), lambda: texts("AAECAwQFBgcICQoLDA0ODw"), (ValueError,))


def serving() -> Iterator[Decoder]:
    """Every API as a node answers it, from the frame to the reply."""
    for role, handlers in ((ListenerRole.BROKER, HANDLERS), (ListenerRole.CONTROLLER, CONTROLLER_HANDLERS)):
        for key in handlers:
            yield Decoder(
                f"serving {role} {API[key].name}",
                partial(reading.dispatched, role),
                partial(requests.requests_of, key),
                memory_per_byte=1000,
                memory_at_rest=32 << 20,
            )


WIRE: Final = tuple(wire())
OTHERS: Final = (
    *NETWORK,
    *compressions(),
    *batch_decoders(),
    *METADATA,
    *small_files(),
    *file_names(),
    *log_directories(),
    *dumps(),
    *written_by_people(),
)
SERVING: Final = tuple(serving())
TABLE: Final = {decoder.name: decoder for decoder in (*WIRE, *OTHERS, *SERVING)}
