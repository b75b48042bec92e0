"""`kafka-get-offsets`: where partitions begin, end, or stood at a time."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from ottla.cli.kafka.options import BOOTSTRAP, CONFIG, Ended, Given, Option, Options
from ottla.cli.kafka.tools import on_cluster_of

if TYPE_CHECKING:
    from ottla.client.cluster import Cluster
    from ottla.client.offsets import TopicPartition

TIMES: Final = {
    "latest": -1,
    "earliest": -2,
    "max-timestamp": -3,
    "earliest-local": -4,
    "latest-tiered": -5,
    "earliest-pending-upload": -6,
}
NO_OFFSET: Final = -1
LONG_END: Final = 1 << 63
RULE: Final = re.compile(r"([^:,]*)(?::(?:([0-9]*)|([0-9]*)-([0-9]*)))?")
OPTIONS: Final = Options(
    "An interactive shell for getting topic-partition offsets.",
    (
        BOOTSTRAP,
        CONFIG,
        Option("topic", "topic", "Topics to look at: a pattern over whole names. All without it."),
        Option("partitions", "partition ids", "Partitions to look at: 0,1. All without it."),
        Option(
            "topic-partitions",
            "topic1:1,topic2:0-3,...",
            "Topics, each with a partition or a range without its end.",
        ),
        Option("time", "timestamp", f"A time in ms, or {', '.join(TIMES)}; latest without it."),
        Option("exclude-internal-topics", None, "Leave topics of the cluster's own out."),
    ),
    before="Error occurred: ",
)


class Rule(NamedTuple):
    """Partitions of topics that match a pattern, from `first` to before `end`."""

    matches: Callable[[str], bool]
    first: int
    end: int | None

    def takes(self, topic: str, partition: int) -> bool:
        return self.first <= partition and (self.end is None or partition < self.end) and self.matches(topic)


def run(words: list[str]) -> int:
    given = OPTIONS.parse(words)
    given.require("bootstrap-server")
    rules = rules_of(given)
    time = time_in(given.one("time") or "latest")
    found = on_cluster_of(given, lambda cluster: offsets(cluster, given, rules, time))
    # As Kafka's tool sorts them: by their names with the partition behind, 10 before 2.
    for (topic, partition), offset in sorted(found.items(), key=lambda each: "{}-{}".format(*each[0])):
        sys.stdout.write(f"{topic}:{partition}:{offset}\n")
    return 0


async def offsets(cluster: Cluster, given: Given, rules: list[Rule], time: int) -> dict[TopicPartition, int]:
    """Of all partitions that a rule takes and that have an offset then. Raises Ended when none matches."""
    from ottla.client.admin.topics import Topics
    from ottla.client.offsets import list_offsets_each

    wanted = [
        (view.name, partition)
        for view in await Topics(cluster).topics()
        if not (view.internal and "exclude-internal-topics" in given)
        for partition in view.partitions
        if any(rule.takes(view.name, partition) for rule in rules)
    ]
    if not wanted:
        raise failure("Could not match any topic-partitions with the specified filters")
    found = {}
    answers = await list_offsets_each(cluster, dict.fromkeys(wanted, time), patient=False)
    for (topic, partition), answer in answers.items():
        if isinstance(answer, Exception):
            sys.stderr.write(
                f"Skip getting offsets for topic-partition {topic}-{partition} due to: {answer}\n"
            )
        elif answer.offset != NO_OFFSET:
            found[topic, partition] = answer.offset
    return found


def rules_of(given: Given) -> list[Rule]:
    """Raises Ended."""
    combined = given.one("topic-partitions")
    topic, numbers = given.one("topic"), given.one("partitions")
    if combined is not None:
        if topic is not None or numbers is not None:
            raise failure("--topic-partitions cannot be used with --topic or --partitions")
        return [rule_in(each) for each in combined.split(",")]
    matches = whole_names(topic)
    if not numbers:
        return [Rule(matches, 0, None)]
    try:
        return [Rule(matches, int(each), int(each) + 1) for each in numbers.split(",") if each]
    except ValueError:
        raise failure(
            f"--partitions expects a comma separated list of numeric partition ids, but received: {numbers}"
        ) from None


def rule_in(text: str) -> Rule:
    """`TOPIC`, `TOPIC:0`, `TOPIC:0-3`, `TOPIC:1-`, `TOPIC:-3`; without a topic of all. Raises Ended."""
    found = RULE.fullmatch(text)
    if found is None:
        raise failure(f"Invalid rule specification: {text}")
    topic, single, first, end = found.groups()
    try:
        if single:
            return Rule(whole_names(topic), int(single), int(single) + 1)
        return Rule(whole_names(topic), int(first or 0), int(end) if end else None)
    except ValueError:  # more digits than a number has
        raise failure(f"Invalid rule specification: {text[:80]}") from None


def whole_names(pattern: str | None) -> Callable[[str], bool]:
    """Raises Ended for a pattern that is none."""
    from ottla.core.coordination.patterns import matcher
    from ottla.core.model.errors import KafkaError

    if not pattern:
        return lambda name: True
    try:
        return matcher("|".join(each.strip() for each in pattern.split(",")))
    except KafkaError:
        raise failure(f"{pattern} is an invalid regex.") from None


def time_in(text: str) -> int:
    """Raises Ended."""
    if text in TIMES:
        return TIMES[text]
    try:
        time = int(text)
        if not -LONG_END <= time < LONG_END:
            raise ValueError(text)
        return time
    except ValueError:
        raise failure(
            f"Malformed time argument {text}. Please use -1 or latest / -2 or earliest / -3 or max-timestamp / "
            "-4 or earliest-local / -5 or latest-tiered / -6 or earliest-pending-upload, or a specified long format timestamp"
        ) from None


def failure(message: str) -> Ended:
    return Ended(1, f"Error occurred: {message}\n")
