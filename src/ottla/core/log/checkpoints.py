"""The small text files beside the logs: what they say, not how they are written.

Checkpoints open with a version line and a count line, then one entry a line:

    0
    2
    orders 0 1234
    orders 1 987

`leader-epoch-checkpoint` holds `epoch startOffset` lines. `partition.metadata` and `meta.properties` are `key: value`
and Java properties; `.kafka_cleanshutdown` is JSON with the broker's epoch (KIP-966).

Readers raise ValueError with a sentence that names the fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import msgspec

from ottla.core.model.ids import ZERO_UUID, Uuid, uuid_parse, uuid_text

_VERSION: Final = 0


def _lines(text: str, what: str) -> list[str]:
    lines = text.splitlines()
    if not lines:
        return []
    if lines[0].strip() != str(_VERSION):
        raise ValueError(f"{what}: version {lines[0]!r} is not known, {_VERSION} is expected")
    if len(lines) < 2 or not lines[1].strip().isdigit():
        raise ValueError(f"{what}: the second line has to be the number of entries")
    expected = int(lines[1])
    entries = lines[2:]
    if len(entries) != expected:
        raise ValueError(f"{what}: {expected} entries are announced, {len(entries)} are there")
    return entries


def format_offsets(offsets: Mapping[tuple[str, int], int]) -> str:
    """A checkpoint of `(topic, partition) -> offset`."""
    lines = [str(_VERSION), str(len(offsets))]
    lines += [f"{topic} {partition} {offset}" for (topic, partition), offset in offsets.items()]
    return "\n".join(lines) + "\n"


def parse_offsets(text: str) -> dict[tuple[str, int], int]:
    offsets: dict[tuple[str, int], int] = {}
    for line in _lines(text, "offset checkpoint"):
        words = line.split()
        if len(words) != 3:
            raise ValueError(f"offset checkpoint: {line!r} is not 'topic partition offset'")
        offsets[words[0], int(words[1])] = int(words[2])
    return offsets


def format_epochs(entries: Iterable[tuple[int, int]]) -> str:
    """A checkpoint of `(epoch, start offset)`."""
    lines = [f"{epoch} {offset}" for epoch, offset in entries]
    return "\n".join([str(_VERSION), str(len(lines)), *lines]) + "\n"


def parse_epochs(text: str) -> list[tuple[int, int]]:
    entries: list[tuple[int, int]] = []
    for line in _lines(text, "leader epoch checkpoint"):
        words = line.split()
        if len(words) != 2:
            raise ValueError(f"leader epoch checkpoint: {line!r} is not 'epoch offset'")
        entries.append((int(words[0]), int(words[1])))
    return entries


def format_partition_metadata(topic_id: Uuid) -> str:
    return f"version: {_VERSION}\ntopic_id: {uuid_text(topic_id)}"


def parse_partition_metadata(text: str) -> Uuid:
    found: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        found[key.strip()] = value.strip()
    if found.get("version") != str(_VERSION):
        raise ValueError(f"partition.metadata: version {found.get('version')!r} is not known")
    topic_id = uuid_parse(found.get("topic_id", ""))
    if topic_id == ZERO_UUID:
        raise ValueError("partition.metadata: the topic id is the zero UUID")
    return topic_id


class CleanShutdown(msgspec.Struct):
    """`.kafka_cleanshutdown`: left behind by an orderly stop."""

    version: int = 0
    brokerEpoch: int = -1  # noqa: N815 (Kafka's JSON name)


def format_clean_shutdown(broker_epoch: int) -> str:
    return msgspec.json.encode(CleanShutdown(brokerEpoch=broker_epoch)).decode()


def parse_clean_shutdown(text: str) -> int:
    """The broker epoch, -1 when the file does not say (older Kafka wrote an empty one)."""
    if not text.strip():
        return -1
    try:
        return msgspec.json.decode(text.encode(), type=CleanShutdown).brokerEpoch
    except msgspec.MsgspecError as error:
        raise ValueError(f"clean shutdown file: {error}") from error


class MetaProperties(NamedTuple):
    """`meta.properties` of a log directory. `directory_id` is None in directories of Kafka before 3.7."""

    version: int
    cluster_id: str | None
    node_id: int | None
    directory_id: Uuid | None


def format_meta_properties(properties: MetaProperties) -> str:
    """Version 1, whatever was read."""
    lines = ["#", "version=1"]
    if properties.cluster_id is not None:
        lines.append(f"cluster.id={properties.cluster_id}")
    if properties.node_id is not None:
        lines.append(f"node.id={properties.node_id}")
    if properties.directory_id is not None:
        lines.append(f"directory.id={uuid_text(properties.directory_id)}")
    return "\n".join(lines) + "\n"


def parse_meta_properties(text: str) -> MetaProperties:
    found: dict[str, str] = {}
    for line in text.splitlines():
        line = line.strip()
        if line and line[0] not in "#!":
            key, _, value = line.partition("=")
            found[key.strip()] = value.strip().replace("\\", "")
    version = found.get("version", "0")
    if version not in ("0", "1"):
        raise ValueError(f"meta.properties: version {version!r} is not known")
    node = found.get("node.id" if version == "1" else "broker.id", found.get("node.id"))
    directory = found.get("directory.id")
    try:
        return MetaProperties(
            version=int(version),
            cluster_id=found.get("cluster.id"),
            node_id=int(node) if node is not None else None,
            directory_id=uuid_parse(directory) if directory is not None else None,
        )
    except ValueError as error:
        raise ValueError(f"meta.properties: {error}") from error
