"""Formatting: what makes empty directories into the data directories of one node of one cluster.

Every directory gets `bootstrap.checkpoint` (the records the first leader will write) and, last of all, because it is
what makes a directory count as formatted, `meta.properties` (cluster, node and directory id). With dynamic voters
the metadata directory also gets a first checkpoint of the metadata log that names them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ottla.broker.config.node_settings import NodeSettings
from ottla.broker.formatting.feature_levels import initial_levels, level_records
from ottla.broker.formatting.options import (
    FormatError,
    FormatOptions,
    InitialController,
    parse_initial_controllers,
)
from ottla.broker.formatting.scram_argument import scram_record
from ottla.broker.quorum.bootstrap import BOOTSTRAP_FILE
from ottla.broker.quorum.checkpoints import BOOTSTRAP, checkpoint_batches, write_checkpoint
from ottla.broker.storage.directory import write_file
from ottla.broker.storage.opening import new_directory_id, read_meta_properties, write_meta_properties
from ottla.core.log.checkpoints import MetaProperties
from ottla.core.log.names import partition_directory
from ottla.core.metadata.levels import (
    KRAFT_VERSION,
    METADATA_VERSION,
    SCRAM_SINCE,
    metadata_version_name,
)
from ottla.core.model.ids import METADATA_TOPIC, Uuid
from ottla.core.raft.voters import ReplicaKey, Voter, VoterEndpoint, VoterSet
from ottla.core.wire.messages.records.metadata import FeatureLevelRecord
from ottla.world.doors import Chance, Disk

LOCALHOST = "localhost"


def format_storage(
    settings: NodeSettings,
    disk: Disk,
    chance: Chance,
    options: FormatOptions,
    *,
    wall: Callable[[], int],
) -> list[str]:
    """Format the directories of `settings`; returns the lines to print. Raises FormatError, OSError.

    `wall` gives calendar milliseconds for the checkpoints' timestamps.
    """
    dynamic = not settings.voters
    controllers = _initial_controllers(settings, chance, options)
    levels = initial_levels(options, dynamic_quorum=dynamic)
    records = level_records(levels)
    if options.scram and levels[METADATA_VERSION] < SCRAM_SINCE:
        since = metadata_version_name(SCRAM_SINCE)
        raise FormatError(f"SCRAM is only supported in {METADATA_VERSION} {since} or later.")
    records += [scram_record(argument, chance) for argument in options.scram]
    directories = sorted({*settings.log_dirs, settings.metadata_log_dir})
    known = _known_directories(settings, disk, directories, options)
    empty = [path for path in directories if path not in known]
    if not empty:
        return ["All of the log directories are already formatted."]
    lines = [_summary(records, levels[METADATA_VERSION])]
    for path in empty:
        kind = _kind(settings, path, controllers)
        name = metadata_version_name(levels[METADATA_VERSION])
        lines.append(f"Formatting {kind} {path} with {METADATA_VERSION} {name}.")
        disk.make_directory(path)
        _write_bootstrap(disk, path, records, levels, wall())
        directory_id = new_directory_id(chance)
        if controllers and path == settings.metadata_log_dir:
            mine = next((each for each in controllers if each.id == settings.node_id), None)
            directory_id = directory_id if mine is None else mine.directory_id
            _write_voters(disk, path, settings, controllers, levels[KRAFT_VERSION], wall())
        properties = MetaProperties(1, options.cluster_id, settings.node_id, directory_id)
        write_meta_properties(disk, path, properties)
    return lines


def _initial_controllers(
    settings: NodeSettings, chance: Chance, options: FormatOptions
) -> list[InitialController]:
    asked = options.standalone or options.initial_controllers is not None
    if settings.voters and asked:
        raise FormatError(
            "You cannot specify controller.quorum.voters and format the node with --initial-controllers or "
            "--standalone. If you want to use dynamic quorum, please remove controller.quorum.voters and specify "
            "controller.quorum.bootstrap.servers instead."
        )
    if options.initial_controllers is not None:
        return parse_initial_controllers(options.initial_controllers)
    if options.standalone:
        return [_standalone(settings, new_directory_id(chance))]
    if not settings.voters and not options.no_initial_controllers:
        raise FormatError(
            "Because controller.quorum.voters is not set on this controller, you must specify one of the "
            "following: --standalone, --initial-controllers, or --no-initial-controllers."
        )
    return []


def _standalone(settings: NodeSettings, directory_id: Uuid) -> InitialController:
    listeners = settings.advertisement.controllers(LOCALHOST)
    if not listeners:
        raise FormatError("No controller listeners found.")
    return InitialController(settings.node_id, listeners[0].host, listeners[0].port, directory_id)


def _known_directories(
    settings: NodeSettings, disk: Disk, directories: Iterable[str], options: FormatOptions
) -> set[str]:
    """The directories that are formatted already. Raises FormatError unless they may stay as they are."""
    known: dict[str, MetaProperties] = {}
    for path in directories:
        if not disk.exists(path):
            continue
        try:
            properties = read_meta_properties(disk, path)
        except ValueError as error:
            raise FormatError(f"Error while reading meta.properties file {path}: {error}") from error
        if properties is not None:
            known[path] = properties
    for path, properties in known.items():
        _check_ours(settings, options, f"{path}/meta.properties", properties)
    if known and not options.ignore_formatted:
        raise FormatError(
            f"Log directory {next(iter(known))} is already formatted. Use --ignore-formatted to ignore this "
            "directory and format the others."
        )
    return set(known)


def _check_ours(settings: NodeSettings, options: FormatOptions, path: str, found: MetaProperties) -> None:
    """Raise FormatError when the properties in `path` are those of another cluster or node."""
    if found.cluster_id not in (None, options.cluster_id):
        raise FormatError(
            f"Invalid cluster.id in: {path}. Expected {options.cluster_id}, but read {found.cluster_id}"
        )
    if found.node_id not in (None, settings.node_id):
        raise FormatError(
            f"Stored node id {found.node_id} doesn't match previous node id {settings.node_id} in {path}. Moved data "
            f"need node.id={found.node_id}; a new node begins with directories of its own."
        )


def _summary(records: list[object], metadata_version: int) -> str:
    """Kafka's first line of output; credentials are named, never shown."""
    texts = [
        f"ApiMessageAndVersion(FeatureLevelRecord(name='{record.name}', featureLevel={record.feature_level}) "
        "at version 0)"
        if isinstance(record, FeatureLevelRecord)
        else f"ApiMessageAndVersion(UserScramCredentialRecord(name='{record.name}', …) at version 0)"  # type: ignore[attr-defined]
        for record in records
    ]
    return (
        f"Bootstrap metadata: BootstrapMetadata(records=[{', '.join(texts)}], "
        f"metadataVersionLevel={metadata_version}, source=format command)"
    )


def _kind(settings: NodeSettings, path: str, controllers: list[InitialController]) -> str:
    if path != settings.metadata_log_dir:
        return "data directory"
    if not controllers:
        return "metadata directory"
    voter = any(each.id == settings.node_id for each in controllers)
    return "dynamic metadata voter directory" if voter else "dynamic metadata directory"


def _write_bootstrap(disk: Disk, path: str, records: list[object], levels: dict[str, int], wall: int) -> None:
    batches = checkpoint_batches(
        records,
        epoch=0,
        wall=wall,
        last_contained_timestamp=0,
        metadata_version=levels[METADATA_VERSION],
        kraft_version=0,
        voters=None,
    )
    write_file(disk, f"{path}/{BOOTSTRAP_FILE}", b"".join(batches), sync=True)


def _write_voters(
    disk: Disk,
    path: str,
    settings: NodeSettings,
    controllers: list[InitialController],
    kraft_version: int,
    wall: int,
) -> None:
    listener: str = settings["controller.listener.names"][0]
    voters = VoterSet.of(
        Voter(ReplicaKey(each.id, each.directory_id), (VoterEndpoint(listener, each.host, each.port),))
        for each in controllers
    )
    log_path = f"{path}/{partition_directory(METADATA_TOPIC, 0)}"
    disk.make_directory(log_path)
    batches = checkpoint_batches(
        [],
        epoch=0,
        wall=wall,
        last_contained_timestamp=wall,
        metadata_version=0,
        kraft_version=kraft_version,
        voters=voters,
    )
    write_checkpoint(disk, log_path, BOOTSTRAP, batches)
