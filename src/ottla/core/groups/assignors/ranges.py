"""The assignor "range": every member gets one run of neighbouring partitions of each topic it reads.

Members come in a fixed order, static ones first. So topics with as many partitions and the same readers are cut at the same
places, and partition 7 of all of them is with one member: what joins need.
"""

from __future__ import annotations

from ottla.core.groups.assignors.spec import Assignment, Members, Partitions
from ottla.core.model.ids import Uuid


def assign(members: Members, partitions: Partitions) -> dict[str, Assignment]:
    shares: dict[str, dict[Uuid, frozenset[int]]] = {member: {} for member in members}
    order = sorted(members, key=lambda member: _place(member, members[member].instance_id))
    for topic, count in partitions.items():
        readers = [member for member in order if topic in members[member].topics]
        if not readers:
            continue
        size, extra = divmod(count, len(readers))
        start = 0
        for index, member in enumerate(readers):
            end = start + size + (index < extra)
            if start < end:
                shares[member][topic] = frozenset(range(start, end))
            start = end
    return dict(shares)


def _place(member: str, instance_id: str | None) -> tuple[bool, bytes]:
    name = member if instance_id is None else instance_id
    return instance_id is None, name.encode("utf-16-be", "surrogatepass")
