"""The tables of Kafka's group tools, to the blank: their scripts' readers cut them by columns."""

from __future__ import annotations

import pytest

from ottla.cli.kafka.groups.describing import members_printed, offset_rows, offsets_printed, state_printed
from ottla.cli.kafka.groups.listing import all_groups_text, chosen_states, chosen_types, consumer_groups_text
from ottla.client.admin.groups import GroupDescription, GroupListing, MemberDescription
from ottla.client.consuming.committing import Committed


def member(name: str, share: dict[str, tuple[int, ...]], **more: object) -> MemberDescription:
    facts = {"group_instance_id": None, "rack": None, "client_id": "app", "host": "/10.0.0.1", "epoch": 3}
    rest = {"topics": ("orders",), "topic_pattern": None, "assignment": share, "target": share}
    return MemberDescription(member_id=name, **(facts | rest | more))  # type: ignore[arg-type]


def group(*members: MemberDescription, state: str = "Stable", epoch: int = 4) -> GroupDescription:
    return GroupDescription("billing", "consumer", state, "consumer", "uniform", epoch, epoch, members, 1)


def test_the_member_with_most_partitions_comes_first_and_what_nobody_has_comes_last() -> None:
    described = group(member("a", {"orders": (2,)}), member("b", {"orders": (1, 0)}))
    committed = {("orders", 0): Committed(7, 1), ("audit", 0): Committed(1, -1)}
    rows = offset_rows(described, committed, {("orders", 0): 10, ("orders", 1): 5})
    assert [(each.topic, each.partition, each.member) for each in rows] == [
        ("orders", 0, "b"),
        ("orders", 1, "b"),
        ("orders", 2, "a"),
        ("audit", 0, None),
    ]
    assert [each.lag for each in rows] == [3, None, None, None]
    assert [each.leader_epoch for each in rows] == [1, None, None, None]


def test_offsets_are_set_in_columns() -> None:
    described = group(member("b", {"orders": (0,)}))
    rows = offset_rows(described, {("orders", 0): Committed(7, 1)}, {("orders", 0): 10})
    assert offsets_printed(described, rows, verbose=False).out == (
        "\nGROUP           TOPIC           PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG             "
        "CONSUMER-ID     HOST            CLIENT-ID"
        "\nbilling         orders          0          7               10              3               "
        "b               /10.0.0.1       app\n"
    )


def test_an_empty_group_is_told_of_on_stderr() -> None:
    printed = offsets_printed(group(state="Empty"), [], verbose=False)
    assert printed == ("", "\nConsumer group 'billing' has no active members.\n")
    printed = members_printed(group(state="Assigning"), verbose=False)
    assert printed.err == "\nWarning: Consumer group 'billing' is rebalancing.\n"
    assert printed.out.split() == ["GROUP", "CONSUMER-ID", "HOST", "CLIENT-ID", "#PARTITIONS"]


def test_a_column_of_instance_ids_is_there_when_somebody_has_one() -> None:
    printed = members_printed(group(member("a", {}, group_instance_id="till-1")), verbose=False)
    assert "GROUP-INSTANCE-ID" in printed.out and "till-1" in printed.out


def test_members_of_both_protocols_show_which_have_been_upgraded() -> None:
    both = group(member("a", {"orders": (1, 0)}, upgraded=True), member("b", {}, upgraded=False))
    lines = members_printed(both, verbose=True).out.splitlines()
    assert lines[1].split()[-1] == "UPGRADED"
    assert lines[2].split()[-4:] == ["orders:0,1", "4", "orders:0,1", "true"]
    assert lines[3].split()[-4:] == ["-", "4", "-", "false"]


def test_the_state_of_a_classic_group_has_no_epochs() -> None:
    printed = state_printed(group(epoch=-1), "localhost:9092", verbose=True)
    assert printed.out.splitlines()[-1].split() == [
        "billing", "localhost:9092", "(1)", "uniform", "Stable", "-", "-", "0"
    ]  # fmt: skip


def test_lists_have_the_columns_asked_for() -> None:
    groups = [GroupListing("billing", "consumer", "consumer", "Stable")]
    assert consumer_groups_text(groups, types=False, states=False) == "billing\n"
    assert consumer_groups_text(groups, types=True, states=True).splitlines()[1] == (
        f"{'billing':25} {'Consumer':20} {'Stable':20}"
    )
    assert all_groups_text(groups).splitlines() == [
        f"{'GROUP':20} {'TYPE':20} {'PROTOCOL':20}",
        f"{'billing':20} {'Consumer':20} {'consumer':20} ",
    ]


def test_a_state_or_type_nobody_knows_is_refused() -> None:
    assert chosen_states("stable, Empty") == ["Stable", "Empty"]
    assert chosen_types("") == []
    with pytest.raises(ValueError, match="Invalid state list 'tired'"):
        chosen_states("tired")
    with pytest.raises(ValueError, match="Invalid types list 'share'"):
        chosen_types("share")
