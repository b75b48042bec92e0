"""`ottla metadata dump`: the image that a metadata log makes, read from its files."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from ottla.cli.options import output_option
from ottla.cli.output import DATA_FORMS, print_data, print_facts, print_table
from ottla.cli.problems import NOT_FOUND, Problem

if TYPE_CHECKING:
    from ottla.core.metadata.image import MetadataImage


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path())
@click.option(
    "--type", "types", multiple=True, metavar="RECORD", help="Only such records, as TopicRecord; repeatable."
)
@output_option("table", "json", "jsonl", "yaml")
def dump(directory: str, types: tuple[str, ...], output: str) -> None:
    """Print the metadata that lie in a data directory: topics, partitions, brokers, configs, features, users.

    DIR is a log directory of a controller or broker, or __cluster_metadata-0 in it. Nothing is changed, and a node may
    run on it. The table counts; the data formats print every record that makes up the state, as in a snapshot.

    \b
    ottla metadata dump /var/lib/kafka -o jsonl | jq 'select(.type=="TopicRecord").data.name'
    """
    image = read_image(directory)
    rows = records_of(image, {each.lower() for each in types})
    if output in DATA_FORMS:
        print_data(rows, output)
        return
    print_facts({"offset": image.offset, "epoch": image.epoch, "records": len(rows)})
    click.echo()
    counted = Counter(row["type"] for row in rows)
    print_table(
        [{"type": name, "records": count} for name, count in sorted(counted.items())], ("type", "records")
    )


def read_image(directory: str) -> MetadataImage:
    """Raises Problem."""
    from ottla.broker.quorum.batches import MetadataLogError
    from ottla.broker.quorum.offline import NoMetadata, image_in
    from ottla.core.metadata.replay import ReplayError
    from ottla.world.real.disk import RealDisk

    try:
        return image_in(RealDisk(), directory)
    except NoMetadata as error:
        raise Problem(
            str(error), "name a directory of log.dirs (metadata.log.dir, if set).", NOT_FOUND
        ) from error
    except (MetadataLogError, ReplayError) as error:
        raise Problem(str(error), "`ottla log dump` shows the files up to the fault.") from error
    except OSError as error:
        raise Problem(
            f"{directory}: {error.strerror}", "check the path and who may read it.", NOT_FOUND
        ) from error


def records_of(image: MetadataImage, types: set[str]) -> list[dict[str, Any]]:
    from ottla.cli.dump.plain import plain
    from ottla.core.metadata.snapshot import snapshot_records
    from ottla.core.wire.declaration import Body

    rows = []
    for record in snapshot_records(image):
        name = type(record).__name__
        if isinstance(record, Body) and (not types or name.lower() in types):
            rows.append({"type": name, "data": plain(record)})
    return rows
