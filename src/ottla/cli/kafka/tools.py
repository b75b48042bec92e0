"""The tools by the names of Kafka's scripts, and how one runs: its words, its output, its exit code."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import TYPE_CHECKING, Final, TypeVar

from ottla.cli.kafka.options import Ended

if TYPE_CHECKING:
    from ottla.cli.kafka.options import Given
    from ottla.client.cluster import Cluster

T = TypeVar("T")

TOOLS: Final = {
    "kafka-consumer-groups": "ottla.cli.kafka.consumer_groups",
    "kafka-groups": "ottla.cli.kafka.all_groups",
    "kafka-log-dirs": "ottla.cli.kafka.log_dirs",
    "kafka-topics": "ottla.cli.kafka.topics",
}
"""Name -> the module whose `run(words)` is the tool. It returns the exit code, or raises Ended."""


def run_tool(name: str, words: list[str]) -> int:
    """Run one to its exit code."""
    try:
        code: int = import_module(TOOLS[name]).run(words)
    except Ended as ended:
        (sys.stdout if ended.out else sys.stderr).write(ended.text)
        return ended.code
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
