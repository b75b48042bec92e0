"""Members of consumer groups (KIP-848) in simulated worlds: a judge that judges them, by itself and with a node that errs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from ottla.core.groups.assignors.spec import Assignment
from ottla.core.groups.consumer import group, heartbeat, reconciling, work
from ottla.core.groups.consumer.member import JOINING_EPOCH, Member
from ottla.core.groups.consumer.reconciling import Aim
from ottla.core.groups.consumer.work import Work
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.sim.coordination.consumer_facts import JOINING, ConsumerFacts, Membership, Spot
from ottla.sim.judge.facts import Violation
from tests.simulation.finding import found

SEEDS = range(1, 25)
SESSION_MS, REBALANCE_MS = 2_000, 1_000
ZERO: Spot = ("source", 0)
ONE: Spot = ("source", 1)


# -- the judge by itself


@pytest.fixture
def facts() -> ConsumerFacts:
    return ConsumerFacts(SESSION_MS, REBALANCE_MS, Counter())


def beats(
    facts: ConsumerFacts,
    member: Membership,
    at: int,
    epoch: int,
    assigned: list[Spot] | None = None,
    has: list[Spot] | None = None,
) -> None:
    """A heartbeat, and its answer ten milliseconds later."""
    facts.asks(member, at, has)
    facts.answered(member, at, at + 10, epoch, assigned)


def joined(facts: ConsumerFacts, name: str, at: int, epoch: int, *assigned: Spot) -> Membership:
    member = Membership(name)
    beats(facts, member, at, epoch, list(assigned), has=[])
    return member


def loses(facts: ConsumerFacts, member: Membership, at: int, *, late: bool = True) -> None:
    """A heartbeat whose answer never comes."""
    facts.asks(member, at, None)
    facts.unheard(member, member.epoch, late=late)


def test_nobody_has_what_another_has_not_given_up(facts: ConsumerFacts) -> None:
    joined(facts, "a", 0, 1, ZERO, ONE)
    with pytest.raises(Violation, match=r"source-1 belongs to a in epoch 1.* and to b in epoch 2"):
        joined(facts, "b", 100, 2, ONE)


def test_a_partition_is_free_when_its_owner_says_so_not_when_it_is_told_to(facts: ConsumerFacts) -> None:
    a = joined(facts, "a", 0, 1, ZERO, ONE)
    beats(facts, a, 100, 1, [ZERO])
    b = Membership("b")
    facts.asks(b, 200, [])
    with pytest.raises(Violation, match="source-1 belongs to a"):
        facts.answered(b, 200, 210, 2, [ONE])
    facts.asks(a, 300, [ZERO])  # has no answer yet
    beats(facts, b, 310, 2, [ONE])


@pytest.mark.parametrize(("after_ms", "free"), [(SESSION_MS - 100, False), (SESSION_MS, True)])
def test_a_session_counts_from_when_its_last_answered_heartbeat_was_sent(
    facts: ConsumerFacts, after_ms: int, free: bool
) -> None:
    a = joined(facts, "a", 0, 1, ZERO)
    beats(facts, a, 500, 1)
    assert facts.stands(a, 500 + after_ms) is not free


def test_who_was_told_to_give_up_has_the_rebalance_timeout_for_it(facts: ConsumerFacts) -> None:
    a = joined(facts, "a", 0, 1, ZERO)
    beats(facts, a, 500, 1, [])
    beats(facts, a, 1_400, 1)
    assert facts.stands(a, 1_450)
    assert not facts.stands(a, 500 + REBALANCE_MS)


def test_who_left_has_nothing(facts: ConsumerFacts) -> None:
    facts.ends(joined(facts, "a", 0, 1, ZERO))
    joined(facts, "b", 100, 2, ZERO)


def test_an_epoch_never_goes_back_until_the_member_joins_anew(facts: ConsumerFacts) -> None:
    a = joined(facts, "a", 0, 5)
    facts.ends(a)
    again = joined(facts, "a", 100, 4)
    with pytest.raises(Violation, match="was in epoch 4, and is told that it is in 3"):
        beats(facts, again, 200, 3)


def test_one_lost_answer_is_no_reason_to_be_shut_out(facts: ConsumerFacts) -> None:
    a = joined(facts, "a", 0, 1, ZERO)
    loses(facts, a, 100)
    with pytest.raises(Violation, match="is shut out in epoch 1: FENCED_MEMBER_EPOCH"):
        facts.shut_out(a, ErrorCode.FENCED_MEMBER_EPOCH, 200)


def test_two_lost_answers_are_a_reason(facts: ConsumerFacts) -> None:
    a = joined(facts, "a", 0, 1, ZERO)
    loses(facts, a, 100)
    loses(facts, a, 200, late=False)
    facts.shut_out(a, ErrorCode.FENCED_MEMBER_EPOCH, 300)
    assert a.ended and not a.owned


def test_so_is_a_heartbeat_that_may_have_come_late(facts: ConsumerFacts) -> None:
    a = joined(facts, "a", 0, 1, ZERO)
    loses(facts, a, 100)
    beats(facts, a, 200, 1, [ZERO], has=[ZERO])
    facts.shut_out(a, ErrorCode.FENCED_MEMBER_EPOCH, 300)


def test_what_a_late_heartbeat_may_have_given_away_is_judged_again_two_epochs_later(
    facts: ConsumerFacts,
) -> None:
    a = joined(facts, "a", 0, 1, ZERO)
    loses(facts, a, 100)
    beats(facts, a, 200, 2, [ZERO, ONE], has=[ZERO])
    assert not facts.certain(a)
    beats(facts, a, 300, 3, [ZERO, ONE], has=[ZERO, ONE])
    assert facts.certain(a)
    with pytest.raises(Violation, match="source-1 belongs to a"):
        joined(facts, "b", 400, 4, ONE)


def test_a_node_that_was_killed_hears_nothing_late(facts: ConsumerFacts) -> None:
    a = joined(facts, "a", 0, 1, ZERO)
    loses(facts, a, 100)
    facts.node_started()
    assert facts.certain(a)


def test_a_commit_of_an_older_epoch_counts_for_what_the_member_has_had_since(facts: ConsumerFacts) -> None:
    a = joined(facts, "a", 0, 2, ZERO)
    beats(facts, a, 100, 4, [ZERO, ONE])
    verdicts = {(spot, epoch): facts.verdict(a, spot, epoch) for spot in (ZERO, ONE) for epoch in (1, 2, 4)}
    assert verdicts == {
        (ZERO, 1): None,  # it heard of epoch 2 as the first, and may have been in 1
        (ZERO, 2): True,
        (ZERO, 4): True,
        (ONE, 1): False,
        (ONE, 2): None,  # the epochs in which it could have been given this are 2 to 4
        (ONE, 4): True,
    }


def test_nobody_skips_a_record(facts: ConsumerFacts) -> None:
    facts.reads(0, JOINING, 10)
    facts.reads(0, 5, 12)
    with pytest.raises(Violation, match="nobody has read 12 to 13"):
        facts.reads(0, 13, 14)
    with pytest.raises(Violation, match="counts as read up to 13: it was read up to 12"):
        facts.complete({0: 13})


# -- the judge and a node that errs


def gives_what_others_have(patch: pytest.MonkeyPatch) -> None:
    """A member gets all that it is meant to have at once, whoever has it."""
    step = reconciling._next

    def hurried(member: Member, aim: Aim, has: Assignment | None, _: object) -> Member:
        return step(member, aim, has, lambda topic, partition: False)

    patch.setattr(reconciling, "_next", hurried)


def takes_any_epoch(patch: pytest.MonkeyPatch) -> None:
    """Heartbeats count whatever epoch they are of."""
    patch.setattr(heartbeat, "check_epoch", lambda member, epoch, has: None)


def takes_the_newest_epoch_alone(patch: pytest.MonkeyPatch) -> None:
    """Whoever missed one answer is shut out."""

    def strict(member: Member, epoch: int, has: object) -> None:
        if epoch not in (JOINING_EPOCH, member.epoch):
            raise KafkaError(ErrorCode.FENCED_MEMBER_EPOCH)

    patch.setattr(heartbeat, "check_epoch", strict)


def takes_every_commit(patch: pytest.MonkeyPatch) -> None:
    """A commit of an older epoch counts for partitions that the member did not have then."""
    patch.setattr(group, "_check_since", lambda member, epoch, topic, partition: None)


def loses_patience(patch: pytest.MonkeyPatch) -> None:
    """Sessions end too early."""
    expect = Work.expect

    def hasty(self: Work, member: Member) -> None:
        expect(self, member)
        self.alarm(work.SESSION, member.id, 400)

    patch.setattr(Work, "expect", hasty)


def waits_for_the_dead(patch: pytest.MonkeyPatch) -> None:
    """Sessions never end."""
    patch.setattr(Work, "expect", lambda self, member: None)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (gives_what_others_have, "which has not given it up"),
        (takes_any_epoch, "was taken; it is in"),
        (takes_the_newest_epoch_alone, "is shut out in epoch"),
        (takes_every_commit, "in which it did not have it"),
        (loses_patience, "is shut out in epoch"),
        (waits_for_the_dead, "do not come to rest"),
    ],
)
def test_a_broken_promise_is_found(
    fault: Callable[[pytest.MonkeyPatch], None], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault(monkeypatch)
    found(SEEDS, told)
