"""What is said of records, how a session tells it, and which records of an answer are ours."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ottla.client.sharing.acknowledging import Run, Said, Share, Unsent
from ottla.client.sharing.records import acquired
from ottla.client.sharing.sessions import LAST_EPOCH, ShareSession
from ottla.core.model.ids import Uuid
from ottla.core.partition.sharing.values import AcknowledgeType
from ottla.core.records.build import build
from ottla.core.records.record import Record
from ottla.core.wire.messages.share_acknowledge import ShareAcknowledgeRequest
from ottla.core.wire.messages.share_fetch import AcquiredRecords, ShareFetchRequest

GAP, ACCEPT, RELEASE, RENEW = (
    AcknowledgeType.GAP,
    AcknowledgeType.ACCEPT,
    AcknowledgeType.RELEASE,
    AcknowledgeType.RENEW,
)
ORDERS, BILLS = Uuid(bytes([1] * 16)), Uuid(bytes([2] * 16))


def said(*offsets: int, kind: AcknowledgeType = ACCEPT) -> Said:
    found = Said()
    for offset in offsets:
        found.say(offset, kind)
    return found


def test_neighbours_of_one_kind_are_told_together_and_in_order() -> None:
    one = said(7, 3, 4)
    one.say(5, RELEASE)
    one.say_all(0, 2, GAP)
    one.say_all(8, 9, GAP)
    assert one.runs() == [
        Run(0, 2, GAP),
        Run(3, 4, ACCEPT),
        Run(5, 5, RELEASE),
        Run(7, 7, ACCEPT),
        Run(8, 9, GAP),
    ]
    assert one.offsets == [3, 4, 5, 7]


def test_the_last_word_on_a_record_counts() -> None:
    one = said(3, kind=RENEW)
    assert one.renews
    one.say(3, ACCEPT)
    assert one.runs() == [Run(3, 3, ACCEPT)] and not one.renews


@given(st.dictionaries(st.integers(0, 60), st.sampled_from([ACCEPT, RELEASE])))
def test_runs_say_what_was_said_once(kinds: dict[int, AcknowledgeType]) -> None:
    one = Said()
    for offset, kind in kinds.items():
        one.say(offset, kind)
    told = {offset: run.kind for run in one.runs() for offset in range(run.first, run.last + 1)}
    assert told == kinds
    assert all(
        before.last < after.first and (before.last + 1 < after.first or before.kind != after.kind)
        for before, after in zip(one.runs(), one.runs()[1:], strict=False)
    )


def test_what_is_unsent_knows_its_age_until_it_is_taken() -> None:
    unsent = Unsent()
    assert unsent.since is None
    unsent.of(1, (ORDERS, 0), 100).say(1, ACCEPT)
    unsent.of(2, (ORDERS, 1), 200).say(1, ACCEPT)
    assert unsent.since == 100 and unsent.nodes == [1, 2]
    assert list(unsent.take(1)) == [(ORDERS, 0)]
    assert unsent.since is not None
    unsent.take(2)
    assert unsent.since is None and unsent.take(3) == {}


def asked(session: ShareSession, wanted: set[Share], **kwargs: dict[Share, Said]) -> ShareFetchRequest:
    request = ShareFetchRequest()
    session.fill(request, wanted, kwargs.get("said", {}))
    session.answered(wanted)
    return request


def test_a_session_tells_what_has_changed() -> None:
    session = ShareSession()
    first = asked(session, {(ORDERS, 0), (ORDERS, 1), (BILLS, 0)})
    assert first.share_session_epoch == 0
    assert [(each.topic_id, [part.partition_index for part in each.partitions]) for each in first.topics] == [
        (ORDERS, [0, 1]),
        (BILLS, [0]),
    ]
    second = asked(session, {(ORDERS, 1), (BILLS, 0)}, said={(BILLS, 0): said(4, 5)})
    assert second.share_session_epoch == 1
    (topic,) = second.topics
    (partition,) = topic.partitions
    (batch,) = partition.acknowledgement_batches
    assert (batch.first_offset, batch.last_offset, batch.acknowledge_types) == (4, 5, [ACCEPT])
    assert [(each.topic_id, each.partitions) for each in second.forgotten_topics_data] == [(ORDERS, [0])]
    session.broken()
    third = asked(session, {(ORDERS, 1)})
    assert third.share_session_epoch == 0 and not third.forgotten_topics_data
    assert [each.topic_id for each in third.topics] == [ORDERS]


def test_acknowledgements_move_the_epoch_on_and_closing_ends_it() -> None:
    session = ShareSession()
    asked(session, {(ORDERS, 0)})
    request = ShareAcknowledgeRequest()
    session.fill_acknowledge(request, {(ORDERS, 0): said(1, kind=RENEW)})
    assert request.share_session_epoch == 1 and request.is_renew_ack
    session.answered()
    session.fill_acknowledge(request, {}, closing=True)
    assert request.share_session_epoch == -1 and request.topics == []
    assert asked(session, {(ORDERS, 0)}).topics == []


def test_epochs_go_round_past_zero() -> None:
    session = ShareSession()
    session._epoch = LAST_EPOCH
    session.answered()
    assert asked(session, set()).share_session_epoch == 1


@given(
    st.lists(st.integers(0, 40), unique=True, min_size=1).map(sorted),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 6)), max_size=5),
)
def test_every_offset_that_is_ours_is_a_record_or_a_gap(
    offsets: list[int], spans: list[tuple[int, int]]
) -> None:
    data = memoryview(build([Record(offset, 1, None, b"%d" % offset) for offset in offsets]))
    ranges: list[AcquiredRecords] = []
    for first, length in sorted(spans):
        if not ranges or first > ranges[-1].last_offset:
            ranges.append(
                AcquiredRecords(
                    first_offset=first, last_offset=first + length, delivery_count=len(ranges) + 1
                )
            )
    ours = {
        offset: each.delivery_count
        for each in ranges
        for offset in range(each.first_offset, each.last_offset + 1)
    }
    found = acquired(data, ranges, check_crcs=True)
    assert {record.offset: count for record, count in found.records} == {
        offset: count for offset, count in ours.items() if offset in offsets
    }
    gaps = [offset for first, last in found.gaps for offset in range(first, last + 1)]
    assert gaps == [offset for offset in sorted(ours) if offset not in offsets]
