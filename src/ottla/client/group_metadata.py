"""Who commits offsets for a group."""

from __future__ import annotations

from typing import Protocol

import msgspec

from ottla.client.groups.owner import Generation
from ottla.client.settings import ConsumerSettings, SettingRefused


class GroupMetadata(msgspec.Struct, frozen=True):
    """A member of a group, as its coordinator knows it. Without a generation anybody may commit for the group."""

    group_id: str
    generation_id: int = -1
    """The generation of a classic group, the member epoch of a consumer group."""
    member_id: str = ""
    group_instance_id: str | None = None


class Member(Protocol):
    """What a `Consumer` shows of its membership."""

    @property
    def generation(self) -> Generation | None: ...

    @property
    def settings(self) -> ConsumerSettings: ...


def group_metadata(of: str | GroupMetadata | Member) -> GroupMetadata:
    """From a group's id, or from a consumer: then as the member it is now. Raises SettingRefused without a group.id."""
    if isinstance(of, GroupMetadata):
        return of
    if isinstance(of, str):
        return GroupMetadata(of)
    if of.settings.group_id is None:
        raise SettingRefused("the consumer has no group.id", "give it one, or name the group.")
    who = of.generation
    if who is None:
        return GroupMetadata(of.settings.group_id)
    return GroupMetadata(of.settings.group_id, who.id, who.member_id, of.settings.group_instance_id)
