"""How a member comes from what it has to what it is meant to have (KIP-848).

A partition is never with two members. So it goes in steps, one a heartbeat: first the member is told what to give up and
stays in its epoch until it says that it has (unrevoked partitions); then it enters the epoch of the target and gets what
nobody else has any more; what others have not given up comes later, as it becomes free (unreleased partitions).

                           gives up what it must
    Stable ──new target──> UnrevokedPartitions ──> Stable
                     └───────────────────────────> UnreleasedPartitions ──others gave up──> Stable
"""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import NamedTuple

from ottla.core.groups.assignors.spec import Assignment
from ottla.core.groups.consumer.member import NONE_OWNED, Member, MemberState, Owned, together
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import Uuid


class Aim(NamedTuple):
    """What a member is to be reconciled with. `topics` are those it reads now: the target may be older than that."""

    epoch: int
    target: Assignment
    topics: Container[Uuid]


def reconcile(
    member: Member,
    aim: Aim,
    has: Assignment | None,
    taken: Callable[[Uuid, int], bool],
    *,
    subscription_changed: bool = False,
) -> Member:
    """The member after one step; the same if there is none to make.

    `has` is what the member itself says it has, None when it did not say. `taken` tells whether somebody has a partition.
    Raises KafkaError (FENCED_MEMBER_EPOCH) when the state of the member cannot be understood.
    """
    if member.state is MemberState.STABLE and member.epoch == aim.epoch:
        return _without_unsubscribed(member, aim, has) if subscription_changed else member
    if member.state is MemberState.UNREVOKED_PARTITIONS and _still_has(has, member.revoking):
        return _without_unsubscribed(member, aim, has) if subscription_changed else member
    if member.state is MemberState.UNKNOWN:
        if has is None or has:
            raise KafkaError(
                ErrorCode.FENCED_MEMBER_EPOCH,
                "The state of the member is unknown here. It must give up all its partitions and join again.",
            )
        member = member._replace(epoch=aim.epoch)
    return _next(member, aim, has, taken)


def _still_has(has: Assignment | None, given_up: Owned) -> bool:
    """Whether the member has any of these, or does not say."""
    if has is None:
        return True
    return any(not given_up[topic].keys().isdisjoint(has[topic]) for topic in given_up if topic in has)


def _next(member: Member, aim: Aim, has: Assignment | None, taken: Callable[[Uuid, int], bool]) -> Member:
    keeps: dict[Uuid, dict[int, int]] = {}
    gives_up: dict[Uuid, dict[int, int]] = {}
    for topic, partitions in member.assigned.items():
        target = aim.target.get(topic, frozenset()) if topic in aim.topics else frozenset()
        for index, epoch in partitions.items():
            (keeps if index in target else gives_up).setdefault(topic, {})[index] = epoch
    if gives_up and _still_has(has, gives_up):
        return member._replace(
            state=MemberState.UNREVOKED_PARTITIONS,
            previous_epoch=member.epoch,
            assigned=keeps,
            revoking=gives_up,
        )
    waits = False
    for topic, target in aim.target.items():
        if topic not in aim.topics:
            continue
        had = member.assigned.get(topic, {})
        own = member.revoking.get(topic, {})
        for index in sorted(target):
            if index in had:
                continue
            # What it is giving up itself, and is now to have again, nobody else can have taken.
            if index not in own and taken(topic, index):
                waits = True
            else:
                keeps.setdefault(topic, {})[index] = aim.epoch
    return member._replace(
        state=MemberState.UNRELEASED_PARTITIONS if waits else MemberState.STABLE,
        epoch=aim.epoch,
        previous_epoch=member.epoch,
        assigned=keeps,
        revoking=NONE_OWNED,
    )


def _without_unsubscribed(member: Member, aim: Aim, has: Assignment | None) -> Member:
    """The member reads other topics now, and there is no new target yet: it gives up what it does not read any more."""
    gone = {topic: each for topic, each in member.assigned.items() if topic not in aim.topics}
    if not gone:
        return member
    left = {topic: each for topic, each in member.assigned.items() if topic in aim.topics}
    revoking = together([*member.revoking.items(), *gone.items()])
    if _still_has(has, revoking):
        return member._replace(
            state=MemberState.UNREVOKED_PARTITIONS,
            previous_epoch=member.epoch,
            assigned=left,
            revoking=revoking,
        )
    return member._replace(previous_epoch=member.epoch, assigned=left)
