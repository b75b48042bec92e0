"""What `kafka-consumer-groups.sh --list` and `kafka-groups.sh --list` print."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from ottla.cli.kafka.groups.columns import line_of, widths_of

if TYPE_CHECKING:
    from ottla.client.admin.groups import GroupListing

CONSUMER_TYPES: Final = ("classic", "consumer")
CONSUMER_STATES: Final = (
    "Unknown",
    "PreparingRebalance",
    "CompletingRebalance",
    "Stable",
    "Dead",
    "Empty",
    "Assigning",
    "Reconciling",
)
GROUP_TYPES: Final = ("classic", "consumer", "share", "streams")


def is_of_consumers(group: GroupListing) -> bool:
    """Whether the consumer tool knows it: groups of other protocols (connect, share, streams) are not its own."""
    return group.type in CONSUMER_TYPES and group.protocol_type in ("", "consumer")


def chosen_states(text: str | None) -> list[str]:
    """States in a list with commas, in any case; none: all. Raises ValueError."""
    return chosen(text, CONSUMER_STATES, "state")


def chosen_types(text: str | None) -> list[str]:
    """Types in a list with commas, in any case; none: all. Raises ValueError."""
    return chosen(text, CONSUMER_TYPES, "types")


def chosen(text: str | None, known: tuple[str, ...], what: str) -> list[str]:
    if not text:
        return []
    names = {each.lower(): each for each in known}
    wanted = [each.strip().lower() for each in text.split(",")]
    if not names.keys() >= set(wanted):
        raise ValueError(
            f"Invalid {what} list '{text}'. Valid {what.removesuffix('s')}s are: {', '.join(known)}"
        )
    return [names[each] for each in dict.fromkeys(wanted)]


def consumer_groups_text(groups: Iterable[GroupListing], *, types: bool, states: bool) -> str:
    """A line a group; with types or states, in columns below their names."""
    shown = list(groups)
    if not types and not states:
        return "".join(f"{each.group_id}\n" for each in shown)
    columns: list[tuple[str, Callable[[GroupListing], str]]] = [("GROUP", lambda each: each.group_id)]
    if types:
        columns.append(("TYPE", lambda each: each.type.capitalize()))
    if states:
        columns.append(("STATE", lambda each: each.state or "Unknown"))
    rows = [[cell(each) for _, cell in columns] for each in shown]
    widths = widths_of([15, 20, 20][: len(columns)], rows, (0,))
    widths[0] += 10
    return "".join(f"{line_of(cells, widths)}\n" for cells in [[name for name, _ in columns], *rows])


def all_groups_text(groups: Iterable[GroupListing]) -> str:
    """Groups of all types: three columns of one width. Kafka's tool ends the rows, not the names, with a blank."""
    rows = [[each.group_id, each.type.capitalize(), each.protocol_type] for each in groups]
    width = max([20, *(len(cell) for row in rows for cell in row)])
    names = line_of(["GROUP", "TYPE", "PROTOCOL"], [width] * 3)
    return "".join(f"{line}\n" for line in [names, *(f"{line_of(row, [width] * 3)} " for row in rows)])
