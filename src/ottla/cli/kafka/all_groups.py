"""`kafka-groups`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from ottla.cli.kafka.groups.listing import GROUP_TYPES, all_groups_text, is_of_consumers
from ottla.cli.kafka.options import BOOTSTRAP, CONFIG, Ended, Given, Option, Options
from ottla.cli.kafka.tools import on_cluster_of

if TYPE_CHECKING:
    from ottla.client.admin.groups import GroupListing
    from ottla.client.cluster import Cluster

FILTERS: Final = ("consumer", "share", "streams")
OPTIONS: Final = Options(
    "This tool helps to list groups of all types.",
    (
        BOOTSTRAP,
        CONFIG,
        Option("list", None, "List groups."),
        Option("group-type", "type", "Only of this type: classic, consumer, share or streams."),
        Option("protocol", "protocol", "Only of this protocol."),
        Option("consumer", None, "Only groups of consumers."),
        Option("share", None, "Only share groups."),
        Option("streams", None, "Only streams groups."),
    ),
)


def run(words: list[str]) -> int:
    given = OPTIONS.parse(words)
    if words and "bootstrap-server" not in given:
        OPTIONS.refuse("Missing required option(s) [bootstrap-server]")
    if "list" not in given:
        OPTIONS.refuse("Command must include exactly one action: --list.")
    kind = given.one("group-type")
    if kind is not None and kind.lower() not in GROUP_TYPES:
        raise Ended(1, "--group-type must be a valid group type.\n")
    for name in FILTERS:
        others = [other for other in FILTERS if other != name]
        given.refuse_together(name, [*others[:1], "group-type", "protocol", *others[1:]])
    found = on_cluster_of(given, listed)
    sys.stdout.write(all_groups_text([each for each in found if is_wanted(each, given)]))
    return 0


async def listed(cluster: Cluster) -> list[GroupListing]:
    """Raises KafkaError, ClientError when a broker is silent."""
    from ottla.client.admin.groups import Groups

    found, silent = await Groups(cluster).list_groups()
    for error in silent.values():
        raise error
    return found


def is_wanted(group: GroupListing, given: Given) -> bool:
    kind, protocol = given.one("group-type"), given.one("protocol")
    if "consumer" in given:
        return is_of_consumers(group)
    if "share" in given or "streams" in given:
        return group.type == ("share" if "share" in given else "streams")
    return (kind is None or group.type == kind.lower()) and (
        protocol is None or group.protocol_type == protocol
    )
