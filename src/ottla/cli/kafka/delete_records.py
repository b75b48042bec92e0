"""`kafka-delete-records`: let partitions begin later, as a file of JSON says."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ottla.cli.kafka.log_dirs import JAVA_ERRORS, java_error
from ottla.cli.kafka.options import BOOTSTRAP, CONFIG, Ended, Option, Options
from ottla.cli.kafka.tools import on_cluster_of
from ottla.cli.problems import USAGE, Problem

if TYPE_CHECKING:
    from ottla.client.admin.base import Each
    from ottla.client.cluster import Cluster
    from ottla.client.offsets import TopicPartition
    from ottla.core.model.errors import KafkaError

VERSION: Final = 1
OPTIONS: Final = Options(
    "This tool helps to delete records of the given partitions down to the specified offset.",
    (
        BOOTSTRAP,
        CONFIG,
        Option(
            "offset-json-file",
            "Offset json file path",
            'Which: {"partitions": [{"topic": "t", "partition": 0, "offset": 3}], "version": 1}. Offset -1: all there are.',
        ),
    ),
)
FIELDS: Final = {"topic": str, "partition": int, "offset": int}


def run(words: list[str]) -> int:
    given = OPTIONS.parse(words)
    given.require("bootstrap-server", "offset-json-file")
    path = given.one("offset-json-file") or ""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        raise Ended(1, f"Unable to read file {path}\n") from None
    before = offsets_in(data)
    try:
        found = on_cluster_of(given, lambda cluster: deleted(cluster, before))
        told = {partition: outcome_text(outcome) for partition, outcome in found.items()}
    except Problem as problem:
        if problem.code == USAGE:
            raise
        # Kafka's tool gives each partition the reason, and ends as if all were well.
        told = dict.fromkeys(before, f"error: {JAVA_ERRORS}.TimeoutException: {problem.message}")
    sys.stdout.write("Executing records delete operation\nRecords delete operation completed:\n")
    for (topic, partition), text in told.items():
        sys.stdout.write(f"partition: {topic}-{partition}\t{text}\n")
    return 0


def outcome_text(outcome: int | KafkaError) -> str:
    if isinstance(outcome, int):
        return f"low_watermark: {outcome}"
    return f"error: {java_error(outcome)}: {outcome.code.sentence}"


async def deleted(cluster: Cluster, before: Mapping[TopicPartition, int]) -> Each[TopicPartition, int]:
    from ottla.client.admin.topics import Topics

    return await Topics(cluster).delete_records(before)


def offsets_in(data: bytes) -> dict[TopicPartition, int]:
    """Partition -> the offset before which its records go. Raises Ended."""
    try:
        whole = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Ended(1, "The input string is not a valid JSON\n") from None
    if not isinstance(whole, dict):
        raise Ended(1, f"Expected JSON object, received {msgspec.json.encode(whole).decode()}\n")
    version = whole.get("version", VERSION)
    if version != VERSION:
        raise Ended(1, f"Not supported version field value {version}\n")
    rows = whole.get("partitions")
    if not isinstance(rows, list):
        raise Ended(1, "Missing partitions field\n")
    found: dict[TopicPartition, int] = {}
    twice: list[str] = []
    for row in rows:
        topic, partition, offset = (field(row, name) for name in FIELDS)
        if (topic, partition) in found:
            twice.append(f"{topic}-{partition}")
        found[topic, partition] = offset
    if twice:
        raise Ended(1, f"Offset json file contains duplicate topic partitions: {','.join(twice)}\n")
    return found


def field(row: object, name: str) -> Any:
    """Raises Ended for one that is missing, of another type, or a number too large for the protocol."""
    if not isinstance(row, dict) or name not in row:
        raise Ended(1, f"No such field exists: `{name}`\n")
    value: Any = row[name]
    if FIELDS[name] is str:
        fits = isinstance(value, str)
    else:
        limit = 1 << (31 if name == "partition" else 63)
        fits = type(value) is int and -limit <= value < limit
    if not fits:
        kind = "a text" if FIELDS[name] is str else "a whole number that the protocol can hold"
        raise Ended(1, f"The field `{name}` is not {kind}\n")
    return value
