"""`ottla`: the command line. Importing this module imports click and nothing of the broker or the client."""

from __future__ import annotations

import click

import ottla
from ottla.cli.lazy import Lazy, LazyGroup

COMMANDS = {
    "dev": Lazy("ottla.cli.dev", "dev", "Start a throw-away node with no configuration."),
    "server": Lazy("ottla.cli.server", "server", "Start one node from a server.properties."),
    "storage": Lazy("ottla.cli.storage", "storage", "Format and inspect data directories."),
    "topic": Lazy("ottla.cli.topic", "topic", "Create, list, describe and delete topics."),
    "produce": Lazy("ottla.cli.produce", "produce", "Write lines of stdin to a topic, a record each."),
    "consume": Lazy("ottla.cli.consume", "consume", "Print records of topics, and wait for more."),
    "log": Lazy("ottla.cli.log", "log", "Look into the files of a data directory."),
}


@click.group(
    name="ottla",
    cls=LazyGroup,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(ottla.__version__, "-V", "--version", message="ottla %(version)s")
def main() -> None:
    """The Apache Kafka platform in Python.

    `ottla dev` starts a node in under a second; `ottla COMMAND --help` explains a command. Commands that talk to a
    cluster find it by -b, or by OTTLA_BOOTSTRAP_SERVERS, or at localhost:9092.
    """


if __name__ == "__main__":
    main()
