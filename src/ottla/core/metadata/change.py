"""How one partition changes: who leads it, who is in sync, who may lead though not in sync (KIP-966), who moves in or out.

A caller says what it wants (`Wish`); the rules here turn that into one `PartitionChangeRecord`, or into None when
nothing would change. The rules, in the order in which they work:

1. A reassignment whose new replicas have all caught up is completed.
2. Replicas leaving an ISR that is then smaller than min.insync.replicas stay eligible (ELR), because they hold
   everything that was acknowledged. A full ISR empties the ELR.
3. A leader that is still acceptable stays. Otherwise the first acceptable replica of the ISR (or, with an empty ISR,
   of the ELR) leads; then the last known leader; then, if unclean election is allowed, any live replica.
4. An election outside ISR and ELR loses records: the ISR becomes that leader alone and the partition is RECOVERING.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Final

import msgspec

from ottla.core.metadata.nouns import NO_LEADER, LeaderRecoveryState, PartitionImage
from ottla.core.metadata.replay import NO_LEADER_CHANGE, NO_RECOVERY_STATE_CHANGE
from ottla.core.model.ids import Uuid
from ottla.core.wire.messages.records.metadata import PartitionChangeRecord

EPOCH_BUMP_ON_SHRINK_UNTIL: Final = 12
"""Before metadata.version 12 (3.6-IV0) every ISR shrink raised the leader epoch (KAFKA-15021)."""


class Election(enum.Enum):
    """PREFERRED favours the first replica; ONLINE keeps who leads; UNCLEAN may lose records to have a leader."""

    PREFERRED = "preferred"
    ONLINE = "online"
    UNCLEAN = "unclean"


class Rules(msgspec.Struct, frozen=True):
    """What the cluster is like while a partition changes."""

    acceptable: Callable[[int], bool]
    """May this broker lead this partition now: alive, not stopping, directory online?"""
    default_directory: Callable[[int], Uuid]
    """Where a broker would put a new replica."""
    min_isr: int
    elr_enabled: bool
    metadata_version: int


class Wish(msgspec.Struct, frozen=True):
    """What should change; None leaves things as they are."""

    election: Election = Election.ONLINE
    isr: list[int] | None = None
    replicas: list[int] | None = None
    adding: list[int] | None = None
    removing: list[int] | None = None
    recovery_state: int | None = None
    unclean_shutdown: frozenset[int] = frozenset()
    """Brokers that may have lost what they had: they leave the ELR."""
    directories: dict[int, Uuid] = {}


class _Draft(msgspec.Struct):
    """The partition on its way to its next state."""

    isr: list[int]
    replicas: list[int]
    adding: list[int]
    removing: list[int]
    elr: list[int]


def change_partition(
    topic_id: Uuid, number: int, now: PartitionImage, wish: Wish, rules: Rules
) -> PartitionChangeRecord | None:
    """The record that takes partition `now` where `wish` wants it under `rules`; None when it is there already."""
    draft = _Draft(
        isr=list(now.isr if wish.isr is None else wish.isr),
        replicas=list(now.replicas if wish.replicas is None else wish.replicas),
        adding=list(now.adding_replicas if wish.adding is None else wish.adding),
        removing=list(now.removing_replicas if wish.removing is None else wish.removing),
        elr=list(now.elr),
    )
    _complete_reassignment(draft)
    if rules.elr_enabled:
        _keep_eligible(draft, now, wish, rules)
    record = PartitionChangeRecord(partition_id=number, topic_id=topic_id)
    _elect(record, draft, now, wish, rules)
    _bump_epoch_for_removed_replicas(record, draft, now)
    _settle_isr_and_elr(record, draft, now, rules)
    _settle_last_known_leader(record, now, rules)
    _settle_assignment(record, draft, now, wish, rules)
    if wish.recovery_state is not None and wish.recovery_state != now.leader_recovery_state:
        record.leader_recovery_state = wish.recovery_state
    return None if _says_nothing(record) else record


def _complete_reassignment(draft: _Draft) -> None:
    if not draft.adding and not draft.removing:
        return
    isr = [replica for replica in draft.isr if replica not in draft.removing]
    replicas = [replica for replica in draft.replicas if replica not in draft.removing]
    if not isr or not replicas or not set(draft.adding) <= set(isr):
        return
    # A smaller set of replicas waits for all of them, so that finishing never shrinks the ISR.
    if len(draft.adding) < len(draft.removing) and not set(replicas) <= set(isr):
        return
    draft.isr, draft.replicas, draft.adding, draft.removing = isr, replicas, [], []


def _keep_eligible(draft: _Draft, now: PartitionImage, wish: Wish, rules: Rules) -> None:
    if len(draft.isr) >= rules.min_isr:
        draft.elr = []
        return
    candidates = dict.fromkeys([*draft.elr, *now.isr])
    draft.elr = sorted(
        replica for replica in candidates if replica not in draft.isr and replica not in wish.unclean_shutdown
    )


def _choose_leader(draft: _Draft, now: PartitionImage, wish: Wish, rules: Rules) -> tuple[int, bool]:
    """(leader or NO_LEADER, whether choosing it is unclean)."""

    def clean(replica: int) -> bool:
        in_reach = replica in draft.isr or (not draft.isr and replica in draft.elr)
        return in_reach and rules.acceptable(replica)

    order = [now.leader, *draft.replicas]
    if wish.election is Election.PREFERRED:
        order = [*draft.replicas[:1], *order]
    for replica in order:
        if clean(replica):
            return replica, False
    nobody_holds_all = rules.elr_enabled and not draft.elr and not draft.isr
    if nobody_holds_all and len(now.last_known_elr) == 1 and rules.acceptable(now.last_known_elr[0]):
        return now.last_known_elr[0], True
    if wish.election is Election.UNCLEAN:
        for replica in draft.replicas:
            if rules.acceptable(replica):
                return replica, True
    return NO_LEADER, False


def _elect(
    record: PartitionChangeRecord, draft: _Draft, now: PartitionImage, wish: Wish, rules: Rules
) -> None:
    leader, unclean = _choose_leader(draft, now, wish, rules)
    if leader == now.leader:
        return
    record.leader = leader
    if leader in draft.elr:
        draft.isr = [leader]
        draft.elr.remove(leader)
    if unclean:
        record.isr = [leader]
        if now.leader_recovery_state != LeaderRecoveryState.RECOVERING:
            record.leader_recovery_state = LeaderRecoveryState.RECOVERING


def _bump_epoch_for_removed_replicas(
    record: PartitionChangeRecord, draft: _Draft, now: PartitionImage
) -> None:
    if record.leader == NO_LEADER_CHANGE and not set(now.replicas) <= set(draft.replicas):
        record.leader = now.leader


def _settle_isr_and_elr(
    record: PartitionChangeRecord, draft: _Draft, now: PartitionImage, rules: Rules
) -> None:
    unclean = record.isr is not None
    if unclean or not rules.elr_enabled:
        draft.elr = []
    if draft.elr != now.elr:
        record.eligible_leader_replicas = draft.elr
    if not unclean and draft.isr != now.isr and (draft.isr or rules.elr_enabled):
        record.isr = draft.isr
    if (
        rules.metadata_version < EPOCH_BUMP_ON_SHRINK_UNTIL
        and record.leader == NO_LEADER_CHANGE
        and record.isr is not None
        and not set(now.isr) <= set(record.isr)
    ):
        record.leader = now.leader


def _settle_last_known_leader(record: PartitionChangeRecord, now: PartitionImage, rules: Rules) -> None:
    if not rules.elr_enabled:
        return
    if record.leader == NO_LEADER and not now.last_known_elr:
        record.last_known_elr = [now.leader]
    elif record.leader >= 0 and now.last_known_elr:
        record.last_known_elr = []


def _settle_assignment(
    record: PartitionChangeRecord, draft: _Draft, now: PartitionImage, wish: Wish, rules: Rules
) -> None:
    if draft.replicas:
        known = {**dict(zip(now.replicas, now.directories, strict=True)), **wish.directories}
        directories = [
            known[replica] if replica in known else rules.default_directory(replica)
            for replica in draft.replicas
        ]
        if directories != now.directories:
            record.directories = directories
        if draft.replicas != now.replicas:
            record.replicas = draft.replicas
    if draft.removing != now.removing_replicas:
        record.removing_replicas = draft.removing
    if draft.adding != now.adding_replicas:
        record.adding_replicas = draft.adding


def _says_nothing(record: PartitionChangeRecord) -> bool:
    return (
        record.isr is None
        and record.eligible_leader_replicas is None
        and record.last_known_elr is None
        and record.leader == NO_LEADER_CHANGE
        and record.replicas is None
        and record.removing_replicas is None
        and record.adding_replicas is None
        and record.leader_recovery_state == NO_RECOVERY_STATE_CHANGE
        and record.directories is None
    )
