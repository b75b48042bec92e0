"""The image that a metadata log makes, from its files alone: for tools. Nothing is opened for writing, cut or repaired."""

from __future__ import annotations

from ottla.broker.quorum.batches import read_batches
from ottla.broker.quorum.checkpoints import list_checkpoints, read_checkpoint
from ottla.core.log.names import LOG
from ottla.core.metadata.image import MetadataImage
from ottla.core.metadata.loader import Loader
from ottla.core.model.ids import METADATA_TOPIC
from ottla.world.doors import Disk


class NoMetadata(Exception):
    """There is no metadata log in the directory."""


def image_in(disk: Disk, directory: str) -> MetadataImage:
    """The newest checkpoint and every whole batch behind it; what was cut short at the end of the log is left out.

    `directory` is the log's own or one of log.dirs. Raises NoMetadata, MetadataLogError, ReplayError, OSError.
    """
    path = place_of(disk, directory)
    loader = Loader()
    start = 0
    checkpoints = list_checkpoints(disk, path)
    if checkpoints:
        newest = read_checkpoint(disk, path, checkpoints[-1])
        for record in newest.records:
            loader.image.apply(record, loader.delta)
        loader.skip_batch(newest.id.offset - 1, newest.id.epoch, newest.last_contained_timestamp)
        start = newest.id.offset
    for name in sorted(each for each in disk.list(path) if each.endswith(LOG)):
        for batch in read_batches(whole_file(disk, f"{path}/{name}"), f"{path}/{name}"):
            if batch.base_offset < start:
                continue
            if batch.is_control:
                loader.skip_batch(batch.last_offset, batch.epoch, batch.timestamp)
            else:
                loader.load_batch(batch.base_offset, batch.epoch, batch.timestamp, batch.records)
    return loader.image


def place_of(disk: Disk, directory: str) -> str:
    own = f"{METADATA_TOPIC}-0"
    names = disk.list(directory)
    if own in names:
        return f"{directory}/{own}"
    if any(name.endswith(LOG) for name in names) and directory.rstrip("/").endswith(own):
        return directory
    raise NoMetadata(f"{directory} holds no {own}")


def whole_file(disk: Disk, path: str) -> bytes:
    file = disk.open(path)
    try:
        return file.read(file.size(), 0)
    finally:
        file.close()
