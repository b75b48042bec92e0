"""What `kafka-consumer-groups.sh --describe` prints: offsets, members or the state of each group.

Tables go to stdout; that a group is empty or rebalancing is told on stderr.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from ottla.cli.kafka.groups.columns import MISSING, line_of, or_missing, widths_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ottla.client.admin.groups import GroupDescription
    from ottla.client.consuming.committing import Committed
    from ottla.client.offsets import TopicPartition

REBALANCING: Final = ("PreparingRebalance", "CompletingRebalance", "Assigning", "Reconciling")


class Printed(NamedTuple):
    """What a tool writes."""

    out: str
    err: str


class OffsetRow(msgspec.Struct, frozen=True):
    """One partition of a group. None: not committed, not known, nobody has it."""

    topic: str
    partition: int
    committed: int | None
    leader_epoch: int | None
    end: int | None
    member: str | None = None
    host: str | None = None
    client: str | None = None

    @property
    def lag(self) -> int | None:
        """Records to come after what is committed: Kafka's tool knows none where nothing is."""
        return None if self.committed is None or self.end is None else self.end - self.committed


def offset_rows(
    group: GroupDescription,
    committed: Mapping[TopicPartition, Committed],
    ends: Mapping[TopicPartition, int],
) -> list[OffsetRow]:
    """Members with the most partitions first, each by topic and number; then partitions that nobody has."""
    rows: list[OffsetRow] = []

    def row(key: TopicPartition, *who: str) -> OffsetRow:
        each = committed.get(key)
        epoch = each.leader_epoch if each is not None and each.leader_epoch >= 0 else None
        return OffsetRow(*key, each.offset if each is not None else None, epoch, ends.get(key), *who)

    owned: set[TopicPartition] = set()
    shares = [(each, assigned(each.assignment)) for each in group.members]
    for member, keys in sorted(shares, key=lambda share: -len(share[1])):
        rows += [row(key, member.member_id, member.host, member.client_id) for key in keys]
        owned.update(keys)
    return rows + [row(key) for key in sorted(committed) if key not in owned]


def assigned(partitions: Mapping[str, Sequence[int]]) -> list[TopicPartition]:
    return sorted((topic, number) for topic, numbers in partitions.items() for number in numbers)


def state_notice(group: GroupDescription) -> str:
    if group.state == "Empty":
        return f"\nConsumer group '{group.group_id}' has no active members.\n"
    if group.state in REBALANCING:
        return f"\nWarning: Consumer group '{group.group_id}' is rebalancing.\n"
    return ""


def offsets_printed(group: GroupDescription, rows: Sequence[OffsetRow], *, verbose: bool) -> Printed:
    """The offsets of one group, with `--verbose` the leader epochs they were committed in."""
    if not rows:
        return Printed("", state_notice(group))
    names = ["GROUP", "TOPIC", "PARTITION", "LEADER-EPOCH", "CURRENT-OFFSET", "LOG-END-OFFSET", "LAG"]
    cells = [[*names, "CONSUMER-ID", "HOST", "CLIENT-ID"]]
    for each in rows:
        numbers = (each.partition, each.leader_epoch, each.committed, each.end, each.lag)
        who = (each.member, each.host, each.client)
        cells.append([group.group_id, each.topic, *map(or_missing, (*numbers, *who))])
    widths = widths_of([15, 15, 10, 15, 15, 15, 15, 15, 15, None], cells, (0, 1, 7, 8))
    if not verbose:
        del widths[3]
        cells = [each[:3] + each[4:] for each in cells]
    table = "".join(f"\n{line_of(each, widths)}" for each in cells)
    return Printed(f"{table}\n", state_notice(group))


def members_printed(group: GroupDescription, *, verbose: bool) -> Printed:
    """The members of one group. A group without members shows the names of the columns."""
    members = group.members
    cells = [["GROUP", "CONSUMER-ID", "GROUP-INSTANCE-ID", "HOST", "CLIENT-ID", "#PARTITIONS"]]
    names = ["CURRENT-EPOCH", "CURRENT-ASSIGNMENT", "TARGET-EPOCH", "TARGET-ASSIGNMENT", "UPGRADED"]
    more = [names]
    for each in members:
        count = str(len(assigned(each.assignment)))
        who = [each.member_id, each.group_instance_id or "", each.host, each.client_id]
        cells.append([group.group_id, *who, count])
        epochs = [
            or_missing(number if number >= 0 else None) for number in (each.epoch, group.assignment_epoch)
        ]
        shares = [partitions_text(each.assignment), partitions_text(each.target or {})]
        more.append([epochs[0], shares[0], epochs[1], shares[1], or_missing(each.upgraded)])
    widths = widths_of([15, 15, 17, 15, 15, 15], cells, (0, 1, 2, 3, 4))
    if not any(each.group_instance_id for each in members):
        del widths[2]
        cells = [each[:2] + each[3:] for each in cells]
    more_widths = widths_of([15, 20, 15, 20, None], more, (1, 3))
    if not {each.upgraded for each in members} >= {True, False}:
        more_widths.pop()
        more = [each[:-1] for each in more]
    lines = [
        f"{line_of(first, widths)} {line_of(second, more_widths) if verbose else ''}"
        for first, second in zip(cells, more, strict=True)
    ]
    return Printed("\n" + "".join(f"{each}\n" for each in lines), state_notice(group))


def partitions_text(partitions: Mapping[str, Sequence[int]]) -> str:
    """`orders:0,1;payments:0`"""
    texts = [f"{topic}:{','.join(map(str, sorted(some)))}" for topic, some in partitions.items() if some]
    return ";".join(sorted(texts)) or MISSING


def state_printed(group: GroupDescription, address: str, *, verbose: bool) -> Printed:
    """The state of one group. `address`: host and port of its coordinator."""
    facts = {
        "GROUP": group.group_id,
        "COORDINATOR (ID)": f"{address}  ({group.coordinator})",
        "ASSIGNMENT-STRATEGY": or_missing(group.assignor),
        "STATE": group.state,
    }
    least: list[int | None] = [15, 25, 20, 20]
    if verbose:
        facts["GROUP-EPOCH"] = or_missing(group.epoch if group.epoch >= 0 else None)
        facts["TARGET-ASSIGNMENT-EPOCH"] = or_missing(
            group.assignment_epoch if group.assignment_epoch >= 0 else None
        )
        least += [15, 25]
    facts["#MEMBERS"] = str(len(group.members))
    cells = [list(facts), list(facts.values())]
    widths = widths_of([*least, None], cells[1:], (0, 1))
    table = "".join(f"\n{line_of(each, widths)}" for each in cells)
    return Printed(f"{table}\n", state_notice(group))
