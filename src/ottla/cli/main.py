"""`ottla`: the command line. Importing this module imports click and nothing of the broker or the client."""

from __future__ import annotations

import gc

import click

import ottla
from ottla.cli.lazy import Lazy, LazyGroup

GC_THRESHOLD = 20_000
"""Allocations between young collections. Imports make objects that stay, requests acyclic garbage: finding
nothing would take a fifteenth of a node's start."""

COMMANDS = {
    "dev": Lazy("ottla.cli.dev", "dev", "Start a throw-away node with no configuration."),
    "test": Lazy("ottla.cli.test", "test", "Run a command with a broker of its own."),
    "server": Lazy("ottla.cli.server", "server", "Start one node from a server.properties."),
    "storage": Lazy("ottla.cli.storage", "storage", "Format and inspect data directories."),
    "topic": Lazy("ottla.cli.topic", "topic", "Create, look at, change and delete topics."),
    "produce": Lazy("ottla.cli.produce", "produce", "Write lines of stdin to a topic, a record each."),
    "consume": Lazy("ottla.cli.consume", "consume", "Print records of topics, and wait for more."),
    "group": Lazy("ottla.cli.group", "group", "Look at groups, their lag and offsets; move and delete them."),
    "share-group": Lazy(
        "ottla.cli.share_group", "share_group", "Look at share groups and their starts; move and delete them."
    ),
    "streams-group": Lazy(
        "ottla.cli.streams_group",
        "streams_group",
        "Look at streams groups, their tasks and offsets; move and delete them.",
    ),
    "txn": Lazy("ottla.cli.txn", "txn", "Look at transactions, find hanging ones and abort them."),
    "config": Lazy("ottla.cli.config", "config", "Show, set, edit and explain configs."),
    "broker": Lazy("ottla.cli.broker", "broker", "Look at brokers and their log directories."),
    "metadata": Lazy("ottla.cli.metadata", "metadata", "Look at the metadata quorum and at what it keeps."),
    "quota": Lazy("ottla.cli.quota", "quota", "Show and set quotas of users, clients and addresses."),
    "context": Lazy("ottla.cli.context", "context", "Give clusters names."),
    "log": Lazy("ottla.cli.log", "log", "Look into the files of a data directory."),
    "bench": Lazy("ottla.cli.bench", "bench", "Measure how fast a cluster is from here."),
    "scripts": Lazy("ottla.cli.scripts", "scripts", "Write scripts named as Kafka's tools."),
    "kafka": Lazy(
        "ottla.cli.kafka", "kafka", "Run one of Kafka's command-line tools, by its name, flags and output."
    ),
    "cheat": Lazy("ottla.cli.cheat", "cheat", "The commands people know, and ours beside them."),
    "completion": Lazy(
        "ottla.cli.completion", "completion", "Print what makes a shell complete commands, topics and groups."
    ),
}


def show_version(context: click.Context, option: click.Parameter, asked: bool) -> None:
    if asked:
        from ottla.compiled import is_compiled

        click.echo(f"ottla {ottla.__version__}{' (compiled)' if is_compiled() else ''}")
        context.exit()


@click.group(
    name="ottla",
    cls=LazyGroup,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.option(
    "-V",
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=show_version,
    help="Show the version, and whether it runs compiled.",
)
def main() -> None:
    """The Apache Kafka platform in Python.

    `ottla dev` starts a node in under a second; `ottla COMMAND --help` explains a command. Commands that talk to a
    cluster find it by -b, or by OTTLA_BOOTSTRAP_SERVERS, or at localhost:9092.
    """
    gc.set_threshold(GC_THRESHOLD, 10, 10)


if __name__ == "__main__":
    main()
