"""`kafka-consumer-groups`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from ottla.cli.kafka.groups.asking import (
    consumer_groups,
    list_printed,
    members_described,
    offsets_described,
    states_described,
)
from ottla.cli.kafka.groups.resetting import SCENARIOS, plans, reset_text
from ottla.cli.kafka.log_dirs import java_error
from ottla.cli.kafka.options import BOOTSTRAP, CONFIG, BadArgument, Given, Option, Options
from ottla.cli.kafka.tools import on_cluster_of

if TYPE_CHECKING:
    from ottla.client.cluster import Cluster
    from ottla.core.model.errors import KafkaError

ACTIONS: Final = ("list", "describe", "delete", "reset-offsets", "delete-offsets", "validate-regex")
VIEWS: Final = ("members", "offsets", "state")

OPTIONS: Final = Options(
    "This tool helps to list all consumer groups, describe a consumer group, delete consumer group info, or reset "
    "consumer group offsets.",
    (
        BOOTSTRAP,
        CONFIG,
        Option("list", None, "List groups."),
        Option("describe", None, "Describe groups and their lag."),
        Option("delete", None, "Delete groups."),
        Option("reset-offsets", None, "Move what groups have committed."),
        Option("delete-offsets", None, "Forget what a group has committed for topics."),
        Option("validate-regex", "regex", "Say whether a regular expression is one (RE2)."),
        Option("group", "consumer group", "The group; repeatable."),
        Option("all-groups", None, "All groups."),
        Option("topic", "topic[:partitions]", "A topic, or some partitions of it; repeatable."),
        Option("all-topics", None, "All that is committed."),
        Option("timeout", "timeout (ms)", "How long answers may take."),
        Option(
            "state", "state", "With --describe: the state; with --list: only groups in these.", optional=True
        ),
        Option("type", "type", "With --list: the type, or only groups of these.", optional=True),
        Option("members", None, "Describe members."),
        Option("offsets", None, "Describe offsets; what --describe does without more."),
        Option("verbose", None, "Describe in more columns."),
        Option("dry-run", None, "Only show what would be committed."),
        Option("execute", None, "Commit it."),
        Option("export", None, "Show it as CSV."),
        *(Option(name, value, text) for name, value, text in SCENARIOS),
    ),
)
UNDECIDED: Final = "WARN: No action will be performed as the --execute option is missing.\n"


def run(words: list[str]) -> int:
    given = OPTIONS.parse(words)
    try:
        check(given)
    except BadArgument as error:
        OPTIONS.refuse(str(error))
    if sum(action in given for action in ACTIONS) != 1:
        names = ", ".join(f"--{action}" for action in ACTIONS)
        OPTIONS.refuse(f"Command must include exactly one action: {names}")
    if "validate-regex" in given:
        return validate_regex(given.one("validate-regex") or "")
    return on_cluster_of(given, lambda cluster: act(cluster, given))


def check(given: Given) -> None:
    """Raises Ended for what is missing or does not go together, BadArgument."""
    if "validate-regex" not in given:
        given.require("bootstrap-server")
    for action in ("describe", "delete", "reset-offsets"):
        if action in given and "group" not in given and "all-groups" not in given:
            OPTIONS.refuse(f"Option [{action}] takes one of these options: [group], [all-groups]")
    if "describe" in given:
        if sum(view in given for view in VIEWS) > 1:
            OPTIONS.refuse(
                "Option [describe] takes at most one of these options: [members], [offsets], [state]"
            )
        if given.one("state"):
            OPTIONS.refuse("Option [describe] does not take a value for [state]")
    if "delete" in given and "topic" in given:
        OPTIONS.refuse("The consumer does not support topic-specific offset deletion from a consumer group.")
    if "delete-offsets" in given and not ("group" in given and "topic" in given):
        OPTIONS.refuse("Option [delete-offsets] takes the following options: [group], [topic]")
    if "reset-offsets" in given:
        if "dry-run" in given and "execute" in given:
            OPTIONS.refuse("Option [reset-offsets] only accepts one of [execute] and [dry-run]")
        if "dry-run" not in given and "execute" not in given:
            sys.stderr.write(UNDECIDED)
        for name, _, _ in SCENARIOS:
            given.refuse_together(name, [other for other, _, _ in SCENARIOS if other != name])
    given.refuse_together("group", ("all-groups",))


async def act(cluster: Cluster, given: Given) -> int:
    """Do it, and print. What fails is told on stdout, and the exit code is 0 all the same, as Kafka's tool has it."""
    from ottla.client.errors import ClientError
    from ottla.core.model.errors import KafkaError

    try:
        if "list" in given:
            printed = await list_printed(cluster, state=valued(given, "state"), type_=valued(given, "type"))
            sys.stdout.write(printed.out)
        elif "describe" in given:
            await describe(cluster, given)
        elif "delete" in given:
            await delete(cluster, await named(cluster, given))
        elif "reset-offsets" in given:
            found = await plans(cluster, given, await named(cluster, given), OPTIONS)
            sys.stdout.write(reset_text(found, as_csv="export" in given, alone=len(given.all("group")) == 1))
        else:
            await delete_offsets(cluster, given)
    except ValueError as error:
        OPTIONS.refuse(str(error))
    except (KafkaError, ClientError) as error:
        words = error.text if isinstance(error, KafkaError) else str(error)
        sys.stdout.write(f"\nError: Executing consumer group command failed due to {words}\n")
    return 0


def valued(given: Given, name: str) -> str | None:
    """None where it is not given, empty where it has no value."""
    return (given.one(name) or "") if name in given else None


async def named(cluster: Cluster, given: Given) -> list[str]:
    if "all-groups" in given:
        return [each.group_id for each in await consumer_groups(cluster)]
    return given.all("group")


async def describe(cluster: Cluster, given: Given) -> None:
    from ottla.core.model.errors import ErrorCode, KafkaError

    view = VIEW_OF[next((name for name in VIEWS if name in given), "offsets")]
    for group in await named(cluster, given):
        try:
            for printed in await view(cluster, [group], verbose="verbose" in given):
                sys.stdout.write(printed.out)
                sys.stderr.write(printed.err)
        except KafkaError as error:
            if error.code is not ErrorCode.GROUP_ID_NOT_FOUND:
                raise
            sys.stdout.write(f"\nError: Consumer group '{group}' does not exist.\n")


VIEW_OF: Final = {"members": members_described, "state": states_described, "offsets": offsets_described}


async def delete(cluster: Cluster, groups: Sequence[str]) -> None:
    from ottla.client.admin.groups import Groups

    done = await Groups(cluster).delete_groups(groups)
    gone = quoted([name for name, error in done.items() if error is None])
    failed = {name: error for name, error in done.items() if error is not None}
    if not failed:
        sys.stdout.write(f"Deletion of requested consumer groups ({gone}) was successful.\n")
        return
    sys.stdout.write("\nError: Deletion of some consumer groups failed:\n")
    for name, error in failed.items():
        sys.stdout.write(f"* Group '{name}' could not be deleted due to: {java_words(error)}\n")
    if gone:
        sys.stdout.write(f"\nThese consumer groups were deleted successfully: {gone}\n")


def java_words(error: KafkaError) -> str:
    """An error as Java prints one: its class, and a sentence (which is ours)."""
    return f"{java_error(error)}: {error.code.sentence}"


def quoted(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


async def delete_offsets(cluster: Cluster, given: Given) -> None:
    from ottla.cli.choosing import named_partitions, parse_topics
    from ottla.client.admin.group_offsets import GroupOffsets
    from ottla.core.model.errors import KafkaError

    group = given.one("group") or ""
    partitions = await named_partitions(cluster, parse_topics(given.all("topic")))
    errors: Mapping[tuple[str, int], KafkaError | None]
    try:
        errors = await GroupOffsets(cluster).delete_group_offsets(group, partitions)
    except KafkaError as error:
        sys.stdout.write(f"\nError: {error.text}\n")
        errors = dict.fromkeys(partitions, error)
    else:
        if any(errors.values()):
            sys.stdout.write("\nError: Encountered some partition-level error, see the follow-up details.\n")
        else:
            sys.stdout.write(f"Request succeeded for deleting offsets from group {group}.\n")
    width = max([15, *(len(topic) for topic, _ in errors)])
    rows = [("TOPIC", "PARTITION", "STATUS")]
    rows += [
        (topic, str(partition), "Successful" if told is None else f"Error: {told.text}")
        for (topic, partition), told in sorted(errors.items())
    ]
    for topic, partition, status in rows:
        sys.stdout.write(f"\n{topic:{width}} {partition:10} {status:15}")
    sys.stdout.write("\n")


def validate_regex(text: str) -> int:
    from ottla.core.coordination.patterns import matcher
    from ottla.core.model.errors import KafkaError

    try:
        matcher(text)
    except KafkaError as error:
        sys.stdout.write(f"The regular expression `{text}` is invalid: {error.text}.\n")
    else:
        sys.stdout.write(f"The regular expression `{text}` is valid.\n")
    return 0
