"""Members of a group on the command line, and bad patterns, on whichever broker runs."""

from __future__ import annotations

from tests.conformance.broker import Broker
from tests.conformance.test_own_commands import lines, run


def test_a_group_goes_on_where_it_was(broker: Broker, topic: str) -> None:
    group = broker.name()
    run(broker, "produce", topic, stdin=b"1\n2\n3\n4\n5\n")
    assert lines(broker, "consume", topic, "--group", group, "-n", "2") == [b"1", b"2"]
    assert lines(broker, "consume", topic, "--group", group, "-e") == [b"3", b"4", b"5"]
    assert lines(broker, "consume", topic, "--group", group, "-e") == []


def test_topics_by_pattern_alone_and_in_a_group(broker: Broker) -> None:
    start = broker.name()
    for number in (1, 2):
        run(broker, "topic", "create", f"{start}-{number}")
        run(broker, "produce", f"{start}-{number}", stdin=b"of %d" % number)
    for args in ((), ("--group", start)):
        found = lines(broker, "consume", "--regex", f"{start}-[12]", "-e", *args)
        assert sorted(found) == [b"of 1", b"of 2"], args


def test_a_topic_that_is_not_there_is_not_made_by_reading_it(broker: Broker) -> None:
    name = broker.name()
    for args in ((name,), (name, "--group", name), ("--regex", name), ("--regex", name, "--group", name)):
        run(broker, "consume", *args, "-e", code=3)
    assert name.encode() not in lines(broker, "topic", "list", "-o", "name")


def test_a_pattern_that_is_none_is_told_once(broker: Broker) -> None:
    told = [
        run(broker, "consume", "--regex", "orders-(", code=1).stderr,
        run(broker, "txn", "list", "--pattern", "orders-(", code=1).stderr,
    ]
    for each in told:
        assert b"INVALID_REGULAR_EXPRESSION" in each
        assert b"hint: patterns are RE2" in each
