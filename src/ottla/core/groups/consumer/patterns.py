"""Subscriptions by regular expression: which topics they match is found out for the whole group at a time, and written down.

A heartbeat only notes that it has to be done; an alarm that rings at once does it. So many members that bring patterns, and
topics that come one after another, cost one look at all the names. Not sooner than ten seconds after the last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Final

from ottla.core.coordination.contract import Decision, Moment
from ottla.core.coordination.patterns import matcher
from ottla.core.groups.consumer import records
from ottla.core.groups.consumer.group import ConsumerGroup, Resolved, Visible, topics_read
from ottla.core.groups.consumer.member import Member
from ottla.core.groups.consumer.work import Work
from ottla.core.groups.state import State, TimerKey
from ottla.core.model.errors import KafkaError

RESOLVE: Final = "consumer-patterns"
REFRESH_MIN_MS: Final = 10_000


class Change(Enum):
    """What a request did to the pattern of its member."""

    NONE = "none"
    UPDATED = "updated"
    RESOLVED = "resolved"
    """It has another one, and what that matches is known."""


def noticed(work: Work, before: Member, after: Member) -> Change:
    """Take notice of the pattern of a member. Raises KafkaError (INVALID_REGULAR_EXPRESSION)."""
    group = work.group
    change = Change.NONE
    if before.pattern != after.pattern:
        change = Change.UPDATED
        if before.pattern and group.pattern_readers(before.pattern) == 1:
            work.records.append(records.no_pattern(group.name, before.pattern))
        if not after.pattern or after.pattern in group.patterns:
            change = Change.RESOLVED
        elif not group.pattern_readers(after.pattern):
            matcher(after.pattern)
    return change


def refresh(work: Work, after: Member, visible: Visible) -> None:
    """See to it that the patterns of the group are resolved, if it is time."""
    if not after.pattern and not work.group.reads_patterns:
        return
    wanted = _wanted(work.members(after).values())
    if wanted and work.group.resolving is None and _due(work, wanted):
        work.group.resolving = visible
        work.alarm(RESOLVE, "", 0)


def _wanted(members: Iterable[Member]) -> set[str]:
    return {member.pattern for member in members if member.pattern}


def _due(work: Work, wanted: set[str]) -> bool:
    group, now = work.group, work.moment.now
    last = max((each.at for each in group.patterns.values()), default=None)
    if last is None:
        return True
    if now <= last + REFRESH_MIN_MS:
        return False
    interval: int = work.state.settings["group.consumer.regex.refresh.interval.ms"]
    return (
        not wanted <= group.patterns.keys()
        or group.resolved_changes != work.state.hashes.changes
        or now > last + interval
    )


def resolve(state: State, moment: Moment, key: TimerKey) -> Decision:
    """Look at the names of all topics, with the eyes of the member that asked last."""
    group = state.groups.get(key.group)
    if not isinstance(group, ConsumerGroup) or group.resolving is None:
        return Decision()
    visible, group.resolving = group.resolving, None
    group.resolved_changes = state.hashes.changes
    work = Work(state, group, moment)
    known = dict(group.patterns)
    renewed = False
    for pattern, topics in _matches(work, _wanted(group.members.values()), visible).items():
        renewed |= topics != (known[pattern].topics if pattern in known else frozenset())
        known[pattern] = Resolved(topics, state.topics.version, moment.now)
        work.records.append(records.pattern(group.name, pattern, topics, state.topics.version, moment.wall))
    found = state.hashes.of_group(topics_read(group.members.values(), known))
    group.checked = state.hashes.changes
    if renewed or found != group.metadata_hash:
        work.new_epoch(found)
    return work.decision()


def _matches(work: Work, patterns: set[str], visible: Visible) -> dict[str, frozenset[str]]:
    matchers: dict[str, Callable[[str], bool]] = {}
    for pattern in sorted(patterns):
        try:
            matchers[pattern] = matcher(pattern)
        except KafkaError as error:
            # It was written by a broker whose engine took it.
            work.notes.append(f"A pattern of group={work.group.name} is passed over: {error.text}")
    names = list(work.state.topics.names())
    found = {pattern: {name for name in names if matches(name)} for pattern, matches in matchers.items()}
    seen = visible(set().union(*found.values()))
    return {pattern: frozenset(topics & seen) for pattern, topics in found.items()}
