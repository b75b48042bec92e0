"""The tools by the names of Kafka's scripts, and how one runs: its words, its output, its exit code."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from ottla.cli.kafka.options import Ended
from ottla.cli.problems import USAGE, Problem

if TYPE_CHECKING:
    from ottla.cli.kafka.options import Given
    from ottla.client.cluster import Cluster

T = TypeVar("T")


class Tool(NamedTuple):
    """`module`: its `run(words)` is the tool; it returns the exit code, or raises Ended.

    When the cluster cannot be reached, or does not answer, Kafka's tools end each in its own way: with these words before the
    reason, on stdout (`out`) or stderr, with this exit code. `settings_too`: so they do when --command-config is wrong, which
    the others find out earlier.
    """

    module: str
    failed: str
    out: bool = True
    code: int = 1
    settings_too: bool = False


TOOLS: Final = {
    "kafka-consumer-groups": Tool(
        "ottla.cli.kafka.consumer_groups",
        "\nError: Executing consumer group command failed due to ",
        code=0,
        settings_too=True,
    ),
    "kafka-delete-records": Tool("ottla.cli.kafka.delete_records", "", out=False),
    "kafka-get-offsets": Tool("ottla.cli.kafka.get_offsets", "Error occurred: ", out=False),
    "kafka-groups": Tool("ottla.cli.kafka.all_groups", "Error while executing groups command : "),
    "kafka-log-dirs": Tool("ottla.cli.kafka.log_dirs", "", out=False),
    "kafka-topics": Tool("ottla.cli.kafka.topics", "Error while executing topic command : "),
}


def run_tool(name: str, words: list[str]) -> int:
    """Run one to its exit code."""
    tool = TOOLS[name]
    try:
        code: int = import_module(tool.module).run(words)
    except Ended as ended:
        (sys.stdout if ended.out else sys.stderr).write(ended.text)
        return ended.code
    except Problem as problem:
        if problem.code == USAGE and not tool.settings_too:
            sys.stderr.write(f"{problem.message}\n")
            return 1
        (sys.stdout if tool.out else sys.stderr).write(f"{tool.failed}{problem.message}\n")
        return tool.code
    return code


def on_cluster_of(given: Given, work: Callable[[Cluster], Awaitable[T]]) -> T:
    """Do something with the cluster that --bootstrap-server and --command-config name. Raises Problem."""
    from ottla.cli.target import Target, ask

    async def inside(cluster: Cluster) -> T:
        return await work(cluster)

    patience = given.number("timeout")
    extra = (
        () if patience is None else (f"default.api.timeout.ms={patience}", f"request.timeout.ms={patience}")
    )
    return ask(Target(given.one("bootstrap-server"), None, extra, given.one("command-config")), inside)
