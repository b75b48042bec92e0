"""`ottla server`: one node from a server.properties file, as Kafka's own."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

import ottla
from ottla.cli.explaining import node_problems
from ottla.cli.options import key_values, log_level_option
from ottla.compiled import is_compiled

if TYPE_CHECKING:
    from ottla.broker.config.node_settings import NodeSettings

log = logging.getLogger("ottla.node")


@click.command()
@click.argument("file", type=click.Path(dir_okay=False))
@click.option(
    "--override",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set a key over the file's value; repeatable.",
)
@log_level_option(default="info")
def server(file: str, overrides: tuple[str, ...], log_level: str) -> int:
    """Start one node from FILE, a Kafka server.properties.

    Keys are Kafka's own; KAFKA_* environment variables override the file as in Kafka's image, --override overrides
    both. The data directories must have been formatted by `ottla storage format`. SIGTERM stops cleanly.

    \b
    ottla storage format -t "$(ottla storage random-uuid)" -s -c server.properties
    ottla server server.properties
    """
    from ottla.cli.logs import set_up

    set_up(log_level)
    settings = read_settings(file, overrides)
    log.info(
        "ottla %s starts: file=%s pid=%d compiled=%s",
        ottla.__version__,
        file,
        os.getpid(),
        "yes" if is_compiled() else "no",
    )
    return run_node(settings)


def read_settings(file: str, overrides: tuple[str, ...] = ()) -> NodeSettings:
    """The file, the environment and the overrides as checked settings. Raises Problem."""
    from ottla.broker.config.load import load

    with node_problems(file):
        return load(file, os.environ, overrides=key_values(overrides, "--override"))


def run_node(
    settings: NodeSettings,
    ready: Callable[[Any], None] = lambda node: None,
    farewell: Callable[[], None] = lambda: None,
) -> int:
    """Run a node to its end over the real doors. Returns the exit code."""
    from ottla.broker.node import Node
    from ottla.cli.running import serve
    from ottla.world.real.process import process_facts

    with node_problems():
        return serve(
            lambda world, fatal: Node(settings, world, on_fatal=fatal, ask_process=process_facts),
            ready,
            farewell,
        )
