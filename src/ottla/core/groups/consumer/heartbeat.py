"""ConsumerGroupHeartbeat: a member comes, says what it has and hears what it is to have, goes.

One request does all of it. It may change the member, which may open a new group epoch; a new epoch may be shared out; and the
member takes one step towards its share. What is written of all that is written at once.
"""

from __future__ import annotations

from typing import NamedTuple

from ottla.core.coordination.contract import Decision, Moment, Request
from ottla.core.groups.assignors.spec import Assignment as Share
from ottla.core.groups.classic.group import ClassicGroup, ClassicState
from ottla.core.groups.consumer import patterns, records
from ottla.core.groups.consumer.crossing import leave_group, upgraded
from ottla.core.groups.consumer.group import ConsumerGroup, Visible
from ottla.core.groups.consumer.member import (
    JOINING_EPOCH,
    LEAVING_EPOCH,
    STATIC_LEAVING_EPOCH,
    Member,
    Owned,
)
from ottla.core.groups.consumer.work import Work
from ottla.core.groups.state import State
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.consumer_group_heartbeat import (
    Assignment,
    ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse,
    TopicPartitionsResponse,
)


class Beat(NamedTuple):
    """A heartbeat that makes sense by itself, and which topics the one who sends it may know of."""

    body: ConsumerGroupHeartbeatRequest
    visible: Visible


def beat(state: State, moment: Moment, token: object, request: Request) -> Decision:
    body: ConsumerGroupHeartbeatRequest = request.body.body
    if body.member_epoch in (LEAVING_EPOCH, STATIC_LEAVING_EPOCH):
        return _leave(state, moment, token, body)
    return _Heartbeat(state, moment, token, request).decide()


# -- coming and staying


class _Heartbeat:
    """One heartbeat of a member that stays or comes."""

    def __init__(self, state: State, moment: Moment, token: object, request: Request) -> None:
        self.request = request
        self.body: ConsumerGroupHeartbeatRequest = request.body.body
        self.token = token
        self.joining = self.body.member_epoch == JOINING_EPOCH
        self.work = _at_group(state, moment, self.body)
        self.group = self.work.group
        self.has = reported(self.body)

    def decide(self) -> Decision:
        work, group, body = self.work, self.group, self.body
        check_room(work, body.member_id, body.instance_id)
        before = self._member(body.member_id or self.request.fresh)
        after = self._changed(before)
        if after != before:
            work.records.append(records.subscription(group.name, after))
        renamed = after.topics != before.topics
        repatterned = patterns.noticed(work, before, after)
        patterns.refresh(work, after, self.request.body.visible)
        epoch = group.epoch
        bump = renamed or repatterned is patterns.Change.RESOLVED
        if bump or group.checked != work.state.hashes.changes:
            epoch = work.epoch_for(after, bump=bump)
        target = work.target_for(after, epoch)
        after = work.reconciled(
            after,
            target,
            self.has,
            subscription_changed=renamed or repatterned is not patterns.Change.NONE,
        )
        work.expect(after)
        # A group that is new, or was a classic one, is there from now on; what it says is what the records say.
        work.state.groups[group.name] = group
        work.reply(self.token, self._answer(before, after))
        return work.decision()

    def _member(self, member_id: str) -> Member:
        """The member as it was until now; one that comes is made. Raises KafkaError unless its epoch is right."""
        group, instance_id = self.group, self.body.instance_id
        if instance_id is None:
            member = group.members.get(member_id)
            if member is None and not self.joining:
                group.member(member_id)
            known = member or Member(member_id)
            check_epoch(known, self.body.member_epoch, self.has)
        else:
            known = self._static(member_id, instance_id)
        if self.joining:
            self.work.notes.append(f"Member {member_id} joins consumer group={group.name}")
        return known

    def _static(self, member_id: str, instance_id: str) -> Member:
        known = self.group.static_member(instance_id)
        if not self.joining:
            member = check_static(known, member_id, instance_id)
            check_epoch(member, self.body.member_epoch, self.has)
            return member
        if known is None:
            return self.group.members.get(member_id) or Member(member_id)
        if known.classic is None and known.epoch != STATIC_LEAVING_EPOCH:
            raise KafkaError(
                ErrorCode.UNRELEASED_INSTANCE_ID,
                f"Instance id {instance_id} still belongs to member {known.id}, so {member_id} cannot have it.",
            )
        return taking_over(self.work, known, member_id)

    def _changed(self, member: Member) -> Member:
        """The member with what this request says of it; what it leaves out stays."""
        body = self.body
        names = body.subscribed_topic_names
        return member._replace(
            instance_id=member.instance_id if body.instance_id is None else body.instance_id,
            rack=member.rack if body.rack_id is None else body.rack_id,
            rebalance_timeout_ms=member.rebalance_timeout_ms
            if body.rebalance_timeout_ms == -1
            else body.rebalance_timeout_ms,
            assignor=member.assignor if body.server_assignor is None else body.server_assignor,
            topics=member.topics if names is None else frozenset(names),
            pattern=member.pattern if body.subscribed_topic_regex is None else body.subscribed_topic_regex,
            client_id=self.request.client_id,
            client_host=self.request.client_host,
            classic=None,
        )

    def _answer(self, before: Member, after: Member) -> ConsumerGroupHeartbeatResponse:
        """With its assignment if that changed, or if the member told everything, as it does when it is not sure."""
        body = self.body
        subscribes = body.subscribed_topic_names is not None or body.subscribed_topic_regex is not None
        full = body.rebalance_timeout_ms != -1 and subscribes and body.topic_partitions is not None
        told = self.joining or full or before.assigned != after.assigned
        name = self.group.name
        return ConsumerGroupHeartbeatResponse(
            member_id=after.id,
            member_epoch=after.epoch,
            heartbeat_interval_ms=self.work.state.setting(name, "consumer.heartbeat.interval.ms"),
            assignment=_assignment(after.assigned) if told else None,
        )


def _assignment(owned: Owned) -> Assignment:
    return Assignment(
        topic_partitions=[
            TopicPartitionsResponse(topic_id=topic, partitions=sorted(partitions))
            for topic, partitions in owned.items()
        ]
    )


def reported(body: ConsumerGroupHeartbeatRequest) -> Share | None:
    """What the member says it has; None when it does not say."""
    if body.topic_partitions is None:
        return None
    return {each.topic_id: frozenset(each.partitions) for each in body.topic_partitions}


def _at_group(state: State, moment: Moment, body: ConsumerGroupHeartbeatRequest) -> Work:
    """The group to work at; for one who joins it is made, or made of a classic group."""
    joining = body.member_epoch == JOINING_EPOCH
    name = body.group_id
    known = state.groups.get(name)
    if isinstance(known, ConsumerGroup):
        return Work(state, known, moment)
    if known is None and not joining:
        raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, f"Consumer group {name} not found.")
    if joining and (known is None or isinstance(known, ClassicGroup)):
        if isinstance(known, ClassicGroup) and known.state is not ClassicState.EMPTY:
            return upgraded(state, moment, known)
        work = Work(state, ConsumerGroup(name), moment)
        if known is not None:
            work.records += known.tombstones()
            work.notes.append(f"The empty classic group {name} becomes a consumer group")
        return work
    raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, f"Group {name} is not a consumer group.")


# -- what is checked of every member


def check_room(work: Work, member_id: str, instance_id: str | None) -> None:
    """Raises GROUP_MAX_SIZE_REACHED where `group.consumer.max.size` has no room for another member."""
    group = work.group
    if instance_id is not None and instance_id in group.static_members:
        return
    limit: int = work.state.settings["group.consumer.max.size"]
    if len(group.members) >= limit and member_id not in group.members:
        raise KafkaError(
            ErrorCode.GROUP_MAX_SIZE_REACHED,
            f"Consumer group {group.name} has {limit} members, as many as it may have.",
        )


def check_static(known: Member | None, member_id: str, instance_id: str) -> Member:
    """The static member with this instance id. Raises UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID."""
    if known is None:
        raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID, f"Instance id {instance_id} is unknown.")
    if known.id != member_id:
        raise KafkaError(
            ErrorCode.FENCED_INSTANCE_ID,
            f"Instance id {instance_id} belongs to member {known.id} now; {member_id} is fenced.",
        )
    return known


def check_epoch(member: Member, epoch: int, has: Share | None) -> None:
    """Raises FENCED_MEMBER_EPOCH. The previous epoch will do for a member that did not hear of the new one: it has nothing
    then that it should not have."""
    if epoch in (JOINING_EPOCH, member.epoch):
        return
    missed_answer = epoch == member.previous_epoch and has is not None and _within(has, member.assigned)
    if epoch < member.epoch and missed_answer:
        return
    size = "greater" if epoch > member.epoch else "smaller"
    raise KafkaError(
        ErrorCode.FENCED_MEMBER_EPOCH,
        f"Member epoch {epoch} is {size} than epoch {member.epoch}, in which member {member.id} is. It must give "
        "up all its partitions and join again.",
    )


def _within(has: Share, owned: Owned) -> bool:
    return all(topic in owned and partitions <= owned[topic].keys() for topic, partitions in has.items())


def taking_over(work: Work, known: Member, member_id: str) -> Member:
    """A static member comes back under a new member id."""
    member = known._replace(id=member_id, epoch=0, previous_epoch=0)
    work.replace(known, member)
    return member


# -- going


def _leave(state: State, moment: Moment, token: object, body: ConsumerGroupHeartbeatRequest) -> Decision:
    group = state.groups.get(body.group_id)
    if group is None:
        raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, f"Group {body.group_id} not found.")
    if not isinstance(group, ConsumerGroup):
        raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, f"Group {body.group_id} is not a consumer group.")
    work = Work(state, group, moment)
    answer = ConsumerGroupHeartbeatResponse(member_id=body.member_id, member_epoch=body.member_epoch)
    if body.instance_id is None:
        member = group.member(body.member_id)
    else:
        member = check_static(group.static_member(body.instance_id), body.member_id, body.instance_id)
        if body.member_epoch == STATIC_LEAVING_EPOCH:
            work.records.append(records.current(group.name, _away(member)))
            work.notes.append(f"Static member {member.id} leaves consumer group={group.name} for a while")
            work.reply(token, answer)
            return work.decision()
    work.notes.append(f"Member {member.id} leaves consumer group={group.name}")
    work.reply(token, answer)
    return leave_group(work, [member])


def _away(member: Member) -> Member:
    """A static member that means to come back keeps what it has, as if it had had it from the start."""
    kept = {topic: dict.fromkeys(partitions, 0) for topic, partitions in member.assigned.items()}
    return member._replace(epoch=STATIC_LEAVING_EPOCH, assigned=kept, revoking={})
