"""Finding the group that a record of its log speaks of.

A log may have been compacted: a tombstone may come for what was never seen, and a record may be the first of its group.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ottla.core.groups.classic.group import ClassicGroup
from ottla.core.groups.group import Group
from ottla.core.groups.state import State

GroupT = TypeVar("GroupT", bound=Group)


def group_of(
    state: State, name: str, value: object, kind: type[GroupT], make: Callable[[], GroupT]
) -> GroupT | None:
    """The group, made if need be. None when there is nothing to change: a tombstone (`value` None) of a group that is not
    there, or a record of one whose name a group of another kind has, as a later record will tell."""
    known = state.groups.get(name)
    if isinstance(known, kind):
        return known
    if value is None:
        return None
    # Offsets read before made an empty classic group without protocol: it was only a name.
    if known is None or (isinstance(known, ClassicGroup) and known.is_simple):
        made = state.groups[name] = make()
        return made
    return None
