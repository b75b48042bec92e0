"""`storage info`: what the data directories of a node say about themselves."""

from __future__ import annotations

import msgspec

from ottla.broker.config.node_settings import NodeSettings
from ottla.broker.storage.opening import new_directory_id, read_meta_properties
from ottla.core.log.checkpoints import MetaProperties
from ottla.core.model.ids import Uuid, uuid_text
from ottla.world.doors import Chance, Disk


class StorageInfo(msgspec.Struct, frozen=True):
    """What to print, and whether anything is wrong (exit code 1)."""

    lines: list[str]
    problems: list[str]


def storage_info(settings: NodeSettings, disk: Disk) -> StorageInfo:
    """Look at every directory of `settings`. Raises OSError."""
    found: list[str] = []
    problems: list[str] = []
    first: MetaProperties | None = None
    for path in sorted({*settings.log_dirs, settings.metadata_log_dir}):
        if not disk.exists(path):
            problems.append(f"{path} does not exist")
            continue
        if not disk.is_directory(path):
            problems.append(f"{path} is not a directory")
            continue
        found.append(path)
        try:
            properties = read_meta_properties(disk, path)
        except ValueError as error:
            problems.append(f"Error loading {path}/meta.properties: {error}")
            continue
        if properties is None:
            problems.append(f"{path} is not formatted.")
        elif first is None:
            first = properties
        elif first.cluster_id != properties.cluster_id:
            problems.append("Mismatched cluster IDs between storage directories.")
        elif first.node_id != properties.node_id:
            problems.append("Mismatched node IDs between storage directories.")
    if first is not None and first.version == 0:
        problems.append(
            "The kafka configuration file appears to be for a cluster in KRaft mode, but the directories are "
            "formatted for legacy mode."
        )
    return StorageInfo(_lines(found, first, problems), problems)


def _lines(found: list[str], first: MetaProperties | None, problems: list[str]) -> list[str]:
    lines: list[str] = []
    if found:
        lines.append("Found log directory:" if len(found) == 1 else "Found log directories:")
        lines += [*(f"  {path}" for path in found), ""]
    if first is not None:
        lines += [f"Found metadata: {{{_properties(first)}}}", ""]
    if problems:
        lines.append("Found problem:" if len(problems) == 1 else "Found problems:")
        lines += [*(f"  {problem}" for problem in problems), ""]
    return lines


def _properties(properties: MetaProperties) -> str:
    node_key = "node.id" if properties.version else "broker.id"
    directory = None if properties.directory_id is None else uuid_text(properties.directory_id)
    known = {
        "cluster.id": properties.cluster_id,
        "directory.id": directory,
        node_key: properties.node_id,
        "version": properties.version,
    }
    return ", ".join(f"{key}={known[key]}" for key in sorted(known) if known[key] is not None)


def random_uuid(chance: Chance) -> str:
    """A new UUID in Kafka's form, never one that a command line would take for an option."""
    id_: Uuid = new_directory_id(chance)
    return uuid_text(id_)
