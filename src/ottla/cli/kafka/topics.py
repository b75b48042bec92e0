"""`kafka-topics`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from ottla.cli.kafka.options import BOOTSTRAP, CONFIG, BadArgument, Ended, Given, Option, Options
from ottla.cli.kafka.tools import on_cluster_of

if TYPE_CHECKING:
    from ottla.client.admin.eligible import Eligible
    from ottla.client.admin.partitions import Reassignment
    from ottla.client.cluster import Cluster
    from ottla.client.view import PartitionView, TopicView
    from ottla.core.model.errors import KafkaError

ACTIONS: Final = ("create", "list", "alter", "describe", "delete")
REPORTS: Final = (
    "under-replicated-partitions",
    "unavailable-partitions",
    "under-min-isr-partitions",
    "at-min-isr-partitions",
)
SHORT_MAX: Final = 2**15 - 1
COLLISION: Final = (
    "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could "
    "collide. To avoid issues it is best to use either, but not both.\n"
)
FOR: Final = {
    "config": ("create", "alter"),
    "partitions": ("create", "alter"),
    "replication-factor": ("create",),
    "replica-assignment": ("create", "alter"),
    "if-exists": ("alter", "delete", "describe"),
    "if-not-exists": ("create",),
    "exclude-internal": ("list", "describe"),
    "topics-with-overrides": ("describe",),
    **dict.fromkeys(REPORTS, ("describe",)),
}
"""Option -> the actions that it belongs to."""
OPTIONS: Final = Options(
    "This tool helps to create, delete, describe, or change a topic.",
    (
        BOOTSTRAP,
        CONFIG,
        Option("create", None, "Create a topic."),
        Option("list", None, "List topics."),
        Option("alter", None, "Give a topic more partitions."),
        Option("describe", None, "Show partitions and configs."),
        Option("delete", None, "Delete topics."),
        Option("topic", "topic", "The topic; for all but --create a pattern over whole names."),
        Option("topic-id", "topic-id", "The topic to describe, by its id."),
        Option("partitions", "number", "How many there shall be."),
        Option("replication-factor", "number", "Replicas of each partition."),
        Option("replica-assignment", "b:b,b:b", "Brokers of each partition."),
        Option("config", "name=value", "A config of the topic to create; repeatable."),
        Option("if-exists", None, "Do nothing where there is no such topic."),
        Option("if-not-exists", None, "Do nothing where there is one already."),
        Option("exclude-internal", None, "Leave topics of the cluster's own out."),
        Option("topics-with-overrides", None, "Describe only topics with configs of their own."),
        *(Option(name, None, f"Describe only {name.replace('-', ' ')}.") for name in REPORTS),
    ),
)


def run(words: list[str]) -> int:
    given = OPTIONS.parse(words)
    if sum(action in given for action in ACTIONS) != 1:
        OPTIONS.refuse(
            "Command must include exactly one action: --list, --describe, --create, --alter or --delete"
        )
    if "bootstrap-server" not in given:
        raise Ended(1, "--bootstrap-server must be specified\n")
    if "list" not in given and "describe" not in given:
        given.require("topic")
    if "alter" in given:
        given.require("partitions")
    for name, actions in FOR.items():
        given.refuse_together(name, [action for action in ACTIONS if action not in actions])
    if "create" in given:
        given.refuse_together("replica-assignment", ("partitions", "replication-factor"))
    for name in REPORTS:
        given.refuse_together(name, ("topics-with-overrides",))
    return on_cluster_of(given, lambda cluster: act(cluster, given))


async def act(cluster: Cluster, given: Given) -> int:
    """Do it, and print. Returns the exit code."""
    from ottla.client.errors import ClientError
    from ottla.core.model.errors import KafkaError

    action = next(name for name in ACTIONS if name in given)
    try:
        await DO[action](cluster, given)
    except (Refused, BadArgument, KafkaError, ClientError) as error:
        words = error.text if isinstance(error, KafkaError) else str(error)
        sys.stdout.write(f"Error while executing topic command : {words}\n")
        return 1
    return 0


class Refused(Exception):
    """What the tool says no to by itself."""


async def list_topics(cluster: Cluster, given: Given) -> None:
    names = [view.name for view in await chosen(cluster, given, must_exist=False)]
    sys.stdout.write("\n".join(names) + "\n")


async def create(cluster: Cluster, given: Given) -> None:
    from ottla.cli.topic.create import parse_assignment
    from ottla.client.admin.topics import DEFAULT, NewTopic, Topics
    from ottla.core.model.errors import ErrorCode

    name = given.one("topic") or ""
    if "." in name or "_" in name:
        sys.stdout.write(COLLISION)
    replicas, partitions = given.number("replication-factor"), given.number("partitions")
    if replicas is not None and not 1 <= replicas <= SHORT_MAX:
        raise Refused(f"The replication factor must be between 1 and {SHORT_MAX} inclusive")
    if partitions is not None and partitions < 1:
        raise Refused("The partitions must be greater than 0")
    assignment = given.one("replica-assignment")
    (made,) = await Topics(cluster).create_topics(
        [
            NewTopic(
                name,
                DEFAULT if partitions is None else partitions,
                DEFAULT if replicas is None else replicas,
                configs_of(given.all("config")),
                parse_assignment(assignment) if assignment else {},
            )
        ]
    )
    if made.error is None:
        sys.stdout.write(f"Created topic {name}.\n")
    elif made.error.code != ErrorCode.TOPIC_ALREADY_EXISTS or "if-not-exists" not in given:
        raise made.error


async def alter(cluster: Cluster, given: Given) -> None:
    from ottla.cli.topic.create import parse_assignment
    from ottla.client.admin.topics import NewPartitions, Topics

    total = given.number("partitions") or 0
    brokers = (
        list(parse_assignment(given.one("replica-assignment") or "").values())
        if "replica-assignment" in given
        else None
    )
    wanted = {
        view.name: NewPartitions(total, None if brokers is None else brokers[len(view.partitions) :])
        for view in await chosen(cluster, given)
    }
    raise_first((await Topics(cluster).create_partitions(wanted)).values() if wanted else ())


async def delete(cluster: Cluster, given: Given) -> None:
    from ottla.client.admin.topics import Topics

    names = [view.name for view in await chosen(cluster, given)]
    raise_first((await Topics(cluster).delete_topics(names)).values() if names else ())


async def describe(cluster: Cluster, given: Given) -> None:
    from ottla.client.admin.admin import Admin
    from ottla.core.model.errors import KafkaError
    from ottla.core.model.ids import uuid_text

    views = await chosen(cluster, given)
    if not views:
        return
    admin = Admin(cluster)
    eligible = await admin.eligible_replicas([view.name for view in views])
    moving = await admin.list_reassignments()
    configs = await admin.topic_configs([view.name for view in views])
    reports = [name for name in REPORTS if name in given]
    for view in views:
        entries = configs[view.name]
        if isinstance(entries, KafkaError):
            raise entries
        own = [entry for entry in entries if not entry.is_default]
        if not reports and (own or "topics-with-overrides" not in given):
            first = view.partitions[min(view.partitions)]
            move = moving.get((view.name, first.index))
            replicas = len(first.replicas) - (len(move.adding) if move else 0)
            shown = ",".join(f"{entry.name}={entry.value}" for entry in own)
            sys.stdout.write(
                f"Topic: {view.name}\tTopicId: {uuid_text(view.id)}\tPartitionCount: {len(view.partitions)}"
                f"\tReplicationFactor: {replicas}\tConfigs: {shown}\n"
            )
        if "topics-with-overrides" in given:
            continue
        least = next(int(entry.value or 1) for entry in entries if entry.name == "min.insync.replicas")
        live = set(cluster.view.nodes)
        for index in sorted(view.partitions):
            part = view.partitions[index]
            if not reports or any(REPORTED[name](part, least, live) for name in reports):
                sys.stdout.write(
                    partition_line(
                        view.name, part, eligible[view.name, index], moving.get((view.name, index))
                    )
                )


def partition_line(topic: str, part: PartitionView, eligible: Eligible, move: Reassignment | None) -> str:
    def ids(numbers: Iterable[int]) -> str:
        return ",".join(map(str, numbers))

    def or_unknown(numbers: tuple[int, ...] | None) -> str:
        return "N/A" if numbers is None else ids(numbers)

    cells = [
        f"Topic: {topic}",
        f"Partition: {part.index}",
        f"Leader: {part.leader if part.leader >= 0 else 'none'}",
        f"Replicas: {ids(part.replicas)}",
        f"Isr: {ids(part.isr)}",
    ]
    if move is not None:
        cells += [f"Adding Replicas: {ids(move.adding)}", f"Removing Replicas: {ids(move.removing)}"]
    cells += [f"Elr: {or_unknown(eligible.replicas)}", f"LastKnownElr: {or_unknown(eligible.last_known)}"]
    return "".join(f"\t{cell}" for cell in cells) + "\n"


async def chosen(cluster: Cluster, given: Given, *, must_exist: bool = True) -> list[TopicView]:
    """Topics that --topic-id or --topic means. Raises Refused for one that must be there and is not."""
    from ottla.client.admin.topics import Topics
    from ottla.core.coordination.patterns import matcher
    from ottla.core.model.ids import uuid_text

    views = await Topics(cluster).topics()
    views = [view for view in views if not (view.internal and "exclude-internal" in given)]
    wanted, pattern = given.one("topic-id"), given.one("topic")
    if wanted is not None:
        views = [view for view in views if uuid_text(view.id) == wanted]
        missing = f"TopicId '{wanted}' does not exist as expected"
    elif pattern is not None:
        matches = matcher("|".join(each.strip() for each in pattern.split(",")))
        views = [view for view in views if matches(view.name)]
        missing = f"Topic '{pattern}' does not exist as expected"
    else:
        return views
    if not views and must_exist and "if-exists" not in given:
        raise Refused(missing)
    return views


def configs_of(texts: list[str]) -> dict[str, str]:
    pairs = [text.split("=", 1) for text in texts]
    if any(len(pair) != 2 for pair in pairs):
        raise Refused(
            'requirement failed: Invalid topic config: all configs to be added must be in the format "key=val".'
        )
    return {key.strip(): value.strip() for key, value in pairs}


def raise_first(errors: Iterable[KafkaError | None]) -> None:
    for error in errors:
        if error is not None:
            raise error


def under_min_isr(part: PartitionView, least: int, live: set[int]) -> bool:
    return part.leader < 0 or len(part.isr) < least


REPORTED: Final[dict[str, Callable[[PartitionView, int, set[int]], bool]]] = {
    "under-replicated-partitions": lambda part, least, live: len(part.isr) < len(part.replicas),
    "unavailable-partitions": lambda part, least, live: part.leader not in live,
    "under-min-isr-partitions": under_min_isr,
    "at-min-isr-partitions": lambda part, least, live: len(part.isr) == least,
}
DO: Final = {"create": create, "list": list_topics, "alter": alter, "describe": describe, "delete": delete}
