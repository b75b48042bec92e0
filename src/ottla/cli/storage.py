"""`ottla storage`: format and inspect data directories, with the flags of kafka-storage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ottla.cli.explaining import node_problems
from ottla.cli.lazy import NounGroup

if TYPE_CHECKING:
    from ottla.broker.config.node_settings import NodeSettings
    from ottla.broker.formatting.options import FormatOptions

config_option = click.option(
    "-c",
    "--config",
    required=True,
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="The node's server.properties.",
)


@click.group(cls=NounGroup)
def storage() -> None:
    """Format and inspect data directories."""


@storage.command("format")
@config_option
@click.option("-t", "--cluster-id", required=True, metavar="UUID", help="The cluster's id: see random-uuid.")
@click.option(
    "-s", "--standalone", is_flag=True, help="This controller is the quorum's first and only voter."
)
@click.option(
    "-I",
    "--initial-controllers",
    metavar="ID@HOST:PORT:DIRECTORY,...",
    help="The quorum's first voters, the same list on every node.",
)
@click.option("-N", "--no-initial-controllers", is_flag=True, help="Name no voters: the quorum is elsewhere.")
@click.option("-g", "--ignore-formatted", is_flag=True, help="Leave formatted directories as they are.")
@click.option(
    "-S", "--add-scram", multiple=True, metavar="CREDENTIAL", help="A SCRAM user to begin with; repeatable."
)
@click.option("-r", "--release-version", metavar="VERSION", help="Features as of this Kafka release.")
@click.option(
    "-f", "--feature", "features", multiple=True, metavar="NAME=LEVEL", help="One feature; repeatable."
)
def format_command(
    config: str,
    cluster_id: str,
    standalone: bool,
    initial_controllers: str | None,
    no_initial_controllers: bool,
    ignore_formatted: bool,
    add_scram: tuple[str, ...],
    release_version: str | None,
    features: tuple[str, ...],
) -> None:
    """Make empty directories into the data directories of one node.

    \b
    ottla storage format -t "$(ottla storage random-uuid)" -s -c server.properties
    """
    if standalone + no_initial_controllers + (initial_controllers is not None) > 1:
        raise click.UsageError("-s, -I and -N exclude each other")
    from ottla.broker.formatting.options import FormatOptions
    from ottla.cli.server import read_settings

    options = FormatOptions(
        cluster_id,
        standalone=standalone,
        initial_controllers=initial_controllers,
        no_initial_controllers=no_initial_controllers,
        ignore_formatted=ignore_formatted,
        release_version=release_version,
        features=features,
        scram=add_scram,
    )
    for line in format_directories(read_settings(config), options):
        click.echo(line)


@storage.command()
@config_option
def info(config: str) -> int:
    """Say what the data directories hold; exit code 1 when something is wrong with them."""
    from ottla.broker.formatting.info import storage_info
    from ottla.cli.server import read_settings
    from ottla.world.real.disk import RealDisk

    settings = read_settings(config)
    with node_problems():
        found = storage_info(settings, RealDisk())
    for line in found.lines:
        click.echo(line)
    return 1 if found.problems else 0


@storage.command("random-uuid")
def random_uuid_command() -> None:
    """Print a random UUID in Kafka's form, for `format -t`."""
    from ottla.broker.formatting.info import random_uuid
    from ottla.world.real.chance import RealChance

    click.echo(random_uuid(RealChance()))


def format_directories(settings: NodeSettings, options: FormatOptions) -> list[str]:
    """Format, over the real disk; returns what to print. Raises Problem."""
    import time

    from ottla.broker.formatting.format import format_storage
    from ottla.world.real.chance import RealChance
    from ottla.world.real.disk import RealDisk

    with node_problems():
        return format_storage(
            settings, RealDisk(), RealChance(), options, wall=lambda: time.time_ns() // 1_000_000
        )


def format_if_needed(settings: NodeSettings) -> None:
    """Format a development node's directories, with itself as the only voter, unless they are formatted."""
    from ottla.broker.formatting.info import random_uuid
    from ottla.broker.formatting.options import FormatOptions
    from ottla.broker.storage.opening import read_meta_properties
    from ottla.world.real.chance import RealChance
    from ottla.world.real.disk import RealDisk

    disk = RealDisk()
    with node_problems():
        known = [path for path in settings.log_dirs if disk.exists(path) and read_meta_properties(disk, path)]
    if not known:
        format_directories(settings, FormatOptions(random_uuid(RealChance()), standalone=True))
