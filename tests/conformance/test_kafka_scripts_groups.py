"""What we print in place of Kafka's tools for groups, line by line beside what they print of the same cluster."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from ottla.cli.kafka.groups import asking
from ottla.cli.kafka.groups.describing import Printed
from ottla.cli.kafka.groups.listing import all_groups_text
from ottla.cli.kafka.log_dirs import log_dirs_text
from ottla.cli.target import Target, ask
from ottla.client.admin.groups import Groups
from ottla.client.cluster import Cluster
from tests.conformance.broker import Broker
from tests.conformance.test_groups import PARTITIONS, fill, new_group
from tests.java_tools import Done, workbench
from tests.members import Member
from tests.waiting import until

pytestmark = pytest.mark.timeout(180)

CONSUMER_GROUPS = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
GROUPS = "org.apache.kafka.tools.GroupsCommand"
LOG_DIRS = "org.apache.kafka.tools.LogDirsCommand"


def ours(broker: Broker, question: Callable[[Cluster], Coroutine[Any, Any, list[Printed]]]) -> Printed:
    each = ask(Target(broker.bootstrap), question)
    return Printed("".join(one.out for one in each), "".join(one.err for one in each))


def has_committed(broker: Broker, group: str) -> bool:
    """Whether no partition of a group has records to come."""
    printed = ours(broker, describing(asking.offsets_described, [group], False))
    return [line.split()[5] for line in printed.out.splitlines()[2:]] == ["0"] * PARTITIONS


def describing(
    how: Callable[..., Coroutine[Any, Any, list[Printed]]], names: list[str], verbose: bool
) -> Callable[[Cluster], Coroutine[Any, Any, list[Printed]]]:
    return lambda cluster: how(cluster, names, verbose=verbose)


def same(mine: Printed, kafkas: Done, *, ordered: bool = True) -> None:
    """Kafka's lists come in the order of a hash table."""
    if ordered:
        assert mine == (kafkas.out, kafkas.err)
    else:
        assert sorted(mine.out.splitlines()) == sorted(kafkas.out.splitlines())


def without_order(text: str) -> Any:
    """Kafka's tool lists partitions in the order of a hash table."""
    data = json.loads(text)
    for broker in data["brokers"]:
        for directory in broker["logDirs"]:
            directory["partitions"].sort(key=lambda each: each["partition"])
    return data


def test_groups_as_kafkas_tools_show_them(broker: Broker) -> None:
    topic, classic, modern, empty = broker.topic(PARTITIONS), new_group(), new_group(), new_group()
    fill(broker, topic, 60)
    members = [
        Member(broker, topic, classic, **{"group.instance.id": "till-1"}),
        Member(broker, topic, modern, **{"group.protocol": "consumer"}),
    ]
    leaver = Member(broker, topic, empty)
    for each, group in zip((*members, leaver), (classic, modern, empty), strict=True):
        until(lambda each=each: len(each.values) == 60, "records are missing")
        until(lambda group=group: has_committed(broker, group), "the offsets were not committed")
    leaver.leave()

    with workbench() as bench:

        def kafkas(main: str, *args: str) -> Done:
            return bench.run(main, "--bootstrap-server", broker.bootstrap, *args)

        for flag, how in (
            ("--offsets", asking.offsets_described),
            ("--members", asking.members_described),
            ("--state", asking.states_described),
        ):
            for verbose in (False, True):
                for name in (classic, modern, empty):
                    words = ["--describe", "--group", name, flag, *(["--verbose"] if verbose else [])]
                    same(ours(broker, describing(how, [name], verbose)), kafkas(CONSUMER_GROUPS, *words))

        for state, kind, words in (
            (None, None, []),
            ("", None, ["--state"]),
            ("stable,Empty", "", ["--state", "stable,Empty", "--type"]),
            (None, "consumer", ["--type", "consumer"]),
        ):

            async def listed(
                cluster: Cluster, state: str | None = state, kind: str | None = kind
            ) -> list[Printed]:
                return [await asking.list_printed(cluster, state=state, type_=kind)]

            same(ours(broker, listed), kafkas(CONSUMER_GROUPS, "--list", *words), ordered=False)

        async def everything(cluster: Cluster) -> list[Printed]:
            return [Printed(all_groups_text((await Groups(cluster).list_groups())[0]), "")]

        same(ours(broker, everything), kafkas(GROUPS, "--list"), ordered=False)

        async def directories(cluster: Cluster) -> list[Printed]:
            return [Printed(await log_dirs_text(cluster, [], [topic]), "")]

        told = kafkas(LOG_DIRS, "--describe", "--topic-list", topic)
        *words, data = ours(broker, directories).out.splitlines()
        *kafkas_words, kafkas_data = told.out.splitlines()
        assert words == kafkas_words
        assert list(json.loads(data)["brokers"][0]["logDirs"][0]) == list(
            json.loads(kafkas_data)["brokers"][0]["logDirs"][0]
        )
        assert without_order(data) == without_order(kafkas_data)
    for each in members:
        each.leave()
