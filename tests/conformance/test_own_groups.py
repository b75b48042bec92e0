"""`ottla group` on whichever broker runs: what it shows, what it moves, and how it takes that back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ottla.client.blocking import Consumer, Producer
from ottla.core.model.errors import ErrorCode
from tests.conformance.broker import Broker
from tests.conformance.test_own_commands import run
from tests.conformance.test_share_group_tools import Beating

PROTOCOLS = ["classic", "consumer"]


@pytest.fixture
def filled(broker: Broker) -> str:
    """A topic of two partitions with ten records each."""
    name = broker.name()
    run(broker, "topic", "create", name, "-p", "2")
    with Producer(bootstrap_servers=broker.bootstrap) as producer:
        for partition in (0, 1):
            producer.send_batch(name, [b"x"] * 10, partition=partition).result(30)
    return name


def read_some(broker: Broker, topic: str, group: str, protocol: str = "classic", count: int = 20) -> None:
    """Be the group's one member until `count` records are read, commit, and leave."""
    with Consumer(
        topic,
        bootstrap_servers=broker.bootstrap,
        group_id=group,
        group_protocol=protocol,
        auto_offset_reset="earliest",
    ) as consumer:
        seen = 0
        while seen < count:
            seen += sum(len(list(each.records())) for each in consumer.poll(500))
        consumer.commit()


def rows(broker: Broker, *args: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(broker, "group", *args, "-o", "json").stdout)
    return found


def committed(broker: Broker, group: str) -> dict[int, int | None]:
    return {each["partition"]: each["committed"] for each in rows(broker, "lag", group)}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_group_with_and_without_members(broker: Broker, filled: str, protocol: str) -> None:
    group = broker.name()
    with Consumer(
        filled,
        bootstrap_servers=broker.bootstrap,
        group_id=group,
        group_protocol=protocol,
        client_id="teller",
        auto_offset_reset="earliest",
    ) as consumer:
        seen = 0
        while seen < 20:
            seen += sum(len(list(each.records())) for each in consumer.poll(500))
        consumer.commit()
        (described,) = rows(broker, "describe", group)
        assert (described["type"], described["state"], described["lag"]) == (protocol, "Stable", 0)
        (member,) = described["members"]
        assert member["client"] == "teller"
        assert member["assigned"] == [f"{filled}:0", f"{filled}:1"]
        assert [each["client"] for each in described["offsets"]] == ["teller", "teller"]
        refused = run(broker, "group", "seek", group, "--to", "start", "-y", code=1)
        assert b"has 1 members (teller at" in refused.stderr
        assert b"stop them first" in refused.stderr
        assert b"NON_EMPTY_GROUP" in run(broker, "group", "delete", group, "-y", code=1).stderr
        assert b"NON_EMPTY_GROUP" in run(broker, "group", "delete", group, "--dry-run", code=1).stderr
    assert group in {each["group"] for each in rows(broker, "list", "--type", protocol, "--state", "empty")}
    assert run(broker, "group", "list", "-o", "name").stdout.decode().splitlines().count(group) == 1
    text = run(broker, "group", "describe", group, "-o", "wide").stdout.decode()
    assert "COMMITTED" in text
    assert "Empty" in text
    run(broker, "group", "delete", group, "-y")
    run(broker, "group", "delete", group, "-y", code=3)
    run(broker, "group", "describe", group, code=3)


def test_a_seek_shows_its_plan_and_can_be_taken_back(broker: Broker, filled: str, tmp_path: Path) -> None:
    group = broker.name()
    read_some(broker, filled, group)
    assert committed(broker, group) == {0: 10, 1: 10}
    planned = rows(broker, "seek", group, "--to", "-3", "--topic", f"{filled}:1", "--dry-run")
    assert [(each["partition"], each["current"], each["new"], each["change"]) for each in planned] == [
        (1, 10, 7, -3)
    ]
    assert committed(broker, group) == {0: 10, 1: 10}
    assert b"Nobody is there to ask" in run(broker, "group", "seek", group, "--to", "start", code=2).stderr
    undo = tmp_path / "undo.csv"
    said = run(
        broker, "group", "seek", group, "--to", "start", "-y", "--undo-file", str(undo)
    ).stderr.decode()
    assert f"ottla group seek {group} --file {undo}" in said
    assert committed(broker, group) == {0: 0, 1: 0}
    assert undo.read_text() == f"{filled},0,10\n{filled},1,10\n"
    assert [each["lag"] for each in rows(broker, "lag", group, "--by", "group")] == [20]
    refused = run(broker, "group", "seek", group, "--to", "end", "-y", "--undo-file", str(undo), code=1)
    assert b"File exists, so nothing was changed" in refused.stderr
    again = str(tmp_path / "again.csv")
    run(broker, "group", "seek", group, "--file", str(undo), "-y", "--undo-file", again)
    assert committed(broker, group) == {0: 10, 1: 10}
    run(broker, "group", "seek", group, "--shift", "-4", "-y", "--undo-file", str(tmp_path / "c.csv"))
    assert committed(broker, group) == {0: 6, 1: 6}
    (held, _) = rows(broker, "seek", group, "--to", "400", "--dry-run")
    assert (held["new"], held["note"]) == (10, "400 is not there yet: the end")


def test_a_group_that_is_not_there_yet_can_be_placed(broker: Broker, filled: str, tmp_path: Path) -> None:
    group = broker.name()
    read_some(broker, filled, group + "s")
    refused = run(broker, "group", "seek", group, "--to", "5", "--topic", filled, "-y", code=3)
    assert f"did you mean {group}s?".encode() in refused.stderr
    undo = tmp_path / "undo.csv"
    to = ("--to", "5", "--topic", filled, "--create", "-y", "--undo-file", str(undo))
    run(broker, "group", "seek", group, *to)
    assert committed(broker, group) == {0: 5, 1: 5}
    back = ("--file", str(undo), "-y", "--undo-file", str(tmp_path / "u2.csv"))
    run(broker, "group", "seek", group, *back)
    assert [each["offsets"] for each in rows(broker, "describe", group)] in ([[]], [])


def test_offsets_are_forgotten_by_topic(broker: Broker, filled: str) -> None:
    group = broker.name()
    read_some(broker, filled, group)
    run(broker, "group", "offsets-delete", group, "--topic", filled + ":0", "--dry-run")
    assert committed(broker, group) == {0: 10, 1: 10}
    run(broker, "group", "offsets-delete", group, "--topic", filled + ":0", "-y")
    assert committed(broker, group) == {1: 10}
    assert (
        b"committed nothing for"
        in run(broker, "group", "offsets-delete", group, "--topic", "nothing", "-y", code=3).stderr
    )


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), b"one of --to, --shift and --file"),
        (("--to", "1", "--shift", "2"), b"one of --to, --shift and --file"),
        (("--to", "x"), b"'x' is no offset"),
        (("--to", "1:2"), b"a range is no point"),
        (("--to", "1", "--topic", "a:x"), b"is not like NAME or NAME:0,3"),
        (("--file", "/no/such/file"), b"/no/such/file"),
    ],
)
def test_a_seek_that_is_none_is_refused(broker: Broker, args: tuple[str, ...], said: bytes) -> None:
    assert said in run(broker, "group", "seek", "anything", *args, code=2).stderr


def test_a_share_group_is_placed_and_forgotten(broker: Broker, filled: str, tmp_path: Path) -> None:
    group = broker.name()
    beat_once(broker, group, filled)
    assert group in {each["group"] for each in share_rows(broker, "list")}
    (described,) = share_rows(broker, "describe", group)
    assert (described["group"], described["members"]) == (group, [])
    to = ("--topic", filled, "--to", "4", "-y", "--undo-file", str(tmp_path / "undo.csv"))
    run(broker, "share-group", "seek", group, *to)
    (described,) = share_rows(broker, "describe", group)
    assert [(each["partition"], each["start"]) for each in described["starts"]] == [(0, 4), (1, 4)]
    assert b"is a share group: `ottla share-group`" in run(broker, "group", "describe", group, code=3).stderr
    run(broker, "share-group", "offsets-delete", group, "--topic", filled, "-y")
    run(broker, "share-group", "delete", group, "-y")
    run(broker, "share-group", "describe", group, code=3)


def share_rows(broker: Broker, *args: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(broker, "share-group", *args, "-o", "json").stdout)
    return found


def beat_once(broker: Broker, group: str, topic: str) -> None:
    """Let a share group come into being: a member that joins and leaves."""
    member = Beating(broker, group, topic)
    member.epoch = -1
    assert member.beat() is ErrorCode.NONE


def test_a_streams_group_that_is_not_there(broker: Broker) -> None:
    refused = run(broker, "streams-group", "describe", broker.name(), code=3).stderr
    assert b"there is no group" in refused
    assert run(broker, "streams-group", "list", "-o", "name").returncode == 0


def test_a_member_prints_what_its_group_has_not_read(broker: Broker, filled: str) -> None:
    group = broker.name()
    assert run(broker, "consume", filled, "--group", group, "-n", "7", "-f", "%v").stdout == b"x" * 7
    assert sum(offset or 0 for offset in committed(broker, group).values()) == 7
    assert run(broker, "consume", filled, "--group", group, "-e", "-f", "%v").stdout == b"x" * 13
    assert committed(broker, group) == {0: 10, 1: 10}
    assert run(broker, "consume", filled, "--group", group, "-e", "-f", "%v").stdout == b""
    late = broker.name()
    assert run(broker, "consume", filled, "--group", late, "--offset", "end", "-e").stdout == b""


def test_topics_by_pattern(broker: Broker, filled: str) -> None:
    pattern = filled[:-1] + "[" + filled[-1] + "]"
    assert run(broker, "consume", "--regex", pattern, "-e", "-f", "%v").stdout == b"x" * 20
    group = ("--group", broker.name())
    assert run(broker, "consume", "--regex", pattern, *group, "-e", "-f", "%v").stdout == b"x" * 20
    assert b"no topic matches" in run(broker, "consume", "-r", "no-such-.*", "-e", code=3).stderr
    assert b"INVALID_REGULAR_EXPRESSION" in run(broker, "consume", "-r", "(", "-e", code=1).stderr
    for args in (("-p", "0"), ("--offset", "5"), ("--offset", "@-1h")):
        assert b"--group" in run(broker, "consume", filled, "--group", "g", *args, code=2).stderr
