"""The judge of one partition: what must be in it, what may be, and what must never be.

The promises of one node, as Kafka makes them:

* an acknowledged record survives the death of the process, and so does every record that a consumer has seen;
* the loss of power may take a tail of the log that was not flushed (of a compacted log the tail of any segment that was
  not flushed, as nothing tells it from what compaction took), never a hole, and never what `flush.messages=1`
  acknowledged, what `flush.ms` had the time to flush, or what an orderly stop left;
* no record is there twice, none that was refused is there, each is what was sent, batches of one producer stand in the
  order in which it sent them, offsets have no gaps;
* compaction removes a record only when a later one has its key;
* the high watermark, the log start and the leader epochs never go back while the node lives.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ottla.sim.judge.facts import Fate, Found, Sent, Violation

if TYPE_CHECKING:
    from ottla.sim.judge.cluster import TopicFacts

FLUSH_SLACK_MS: Final = 30_000
"""How late a flush or a checkpoint that is due by time may be."""


class PartitionFacts:
    """See the module. Times are the world's milliseconds."""

    def __init__(self, topic: TopicFacts, index: int) -> None:
        self.topic = topic
        self.index = index
        self.places: dict[int, tuple[Sent, int]] = {}
        """Offset -> what lies there for certain: (batch, slot)."""
        self.durable = 0
        """Everything below survives a loss of power."""
        self.start = 0
        """The largest log start that was told in this life of the node."""
        self.kept_start = 0
        """The log start that a crash cannot take back."""
        self.end = 0
        """The largest high watermark that was told in this life of the node."""
        self._acked: list[
            tuple[int, int]
        ] = []  # (when, end) of acknowledgements that time alone makes durable
        self._deleted: list[tuple[int, int]] = []  # (when, start) of DeleteRecords
        self._numbers: dict[str, int] = {}
        self._recovered = 0
        """What this life found in the log. A node that was killed need not have flushed it, and shows it at once; the
        first record that is acknowledged after it makes it durable with itself."""

    def __repr__(self) -> str:
        return f"{self.topic.name}-{self.index}"

    @property
    def known_end(self) -> int:
        """One past the last record that is known."""
        return max(self.places, default=-1) + 1

    def next_number(self, sender: str) -> int:
        self._numbers[sender] = self._numbers.get(sender, -1) + 1
        return self._numbers[sender]

    def wrong(self, what: str) -> Violation:
        return Violation(f"{self}: {what}")

    # -- what clients are told

    def acked(self, sent: Sent, base_offset: int, now: int) -> None:
        """The node says that the batch lies at `base_offset`."""
        if sent.fate is Fate.REFUSED:
            raise self.wrong(f"{sent} is acknowledged after it was refused")
        sent.fate = Fate.ACKED
        for slot in range(len(sent.records)):
            self._put(base_offset + slot, sent, slot)
        end = base_offset + len(sent.records)
        self.end = max(self.end, end)
        if sent.flushed and self.topic.flushes_always:
            self.durable = max(self.durable, end)
        self._acked.append((now, end))

    def _put(self, offset: int, sent: Sent, slot: int) -> None:
        held = self.places.setdefault(offset, (sent, slot))
        if held != (sent, slot):
            raise self.wrong(f"offset {offset} belongs to {held} and to {(sent, slot)}")

    def deleted(self, start: int, now: int) -> None:
        """DeleteRecords was acknowledged with this log start."""
        self.told_start(start)
        self._deleted.append((now, start))

    def told_start(self, start: int) -> None:
        if start < self.start:
            raise self.wrong(f"the log start goes back from {self.start} to {start}")
        if start > 0 and not self.topic.may_shrink:
            raise self.wrong(f"the log start is {start}, and nobody has deleted anything")
        self.start = start

    def told_end(self, high_watermark: int) -> None:
        if high_watermark < self.end:
            raise self.wrong(f"the high watermark goes back from {self.end} to {high_watermark}")
        self.end = high_watermark

    def seen(self, found: Sequence[Found], sent: dict[int, Sent]) -> None:
        """A consumer has read these, in this order."""
        last = -1
        for each in found:
            self._check(each, sent)
            if each.offset <= last:
                raise self.wrong(f"offset {each.offset} was read after {last}")
            if not self.topic.compacted and last >= 0 and each.offset != last + 1:
                raise self.wrong(f"offset {each.offset} was read after {last}: there is a gap")
            last = each.offset
        for each in found:
            self._put(each.offset, sent[each.batch], each.slot)
        if last >= self._recovered and self.topic.flushes_always and self.topic.always_flushed:
            self.durable = max(self.durable, last + 1)

    def _check(self, found: Found, sent: dict[int, Sent]) -> None:
        """One record is what was sent, and may be here."""
        batch = sent.get(found.batch)
        if batch is None or found.slot >= len(batch.records):
            raise self.wrong(f"nobody sent the record at offset {found.offset}")
        if batch.partition is not self and not batch.partition.topic.shares_name(self):
            raise self.wrong(f"the record at offset {found.offset} was sent to {batch.partition}")
        if batch.fate in (Fate.REFUSED, Fate.GONE, Fate.LOST):
            raise self.wrong(f"offset {found.offset} holds a record of {batch}: {batch.fate.value}")
        held = self.places.get(found.offset)
        if held is not None and held != (batch, found.slot):
            raise self.wrong(f"offset {found.offset} held {held} before and now holds {batch}.{found.slot}")
        wanted = batch.records[found.slot]
        if (found.record.key, found.record.value) != (wanted.key, wanted.value):
            raise self.wrong(f"the record at offset {found.offset} is not what {batch} sent")
        if not found.append_time and found.record.timestamp != wanted.timestamp:
            raise self.wrong(
                f"the record at offset {found.offset} has the timestamp {found.record.timestamp}, "
                f"{batch} sent {wanted.timestamp}"
            )

    # -- what is there after a crash

    def settle(self, now: int) -> None:
        """What time has made durable until now, when the node dies."""
        flush_ms = self.topic.flush_ms
        if flush_ms is not None:
            for when, end in self._acked:
                if now - max(when, self.topic.flush_ms_since) > flush_ms + FLUSH_SLACK_MS:
                    self.durable = max(self.durable, end)
        for when, start in self._deleted:
            if now - when > FLUSH_SLACK_MS:
                self.kept_start = max(self.kept_start, start)
        self._acked.clear()  # what this life has not made durable, no later one has promised
        self._deleted.clear()

    def stopped(self) -> None:
        """The node ended in order: everything is on disk."""
        self.durable = max(self.durable, self.known_end)
        self.kept_start = max(self.kept_start, self.start)

    def verify(
        self, found: Sequence[Found], start: int, end: int, sent: dict[int, Sent], *, power: bool
    ) -> None:
        """Everything from the log start to the high watermark was read after a start; `power`: it had been lost."""
        if start < self.kept_start:
            raise self.wrong(f"the log starts at {start}, it was deleted up to {self.kept_start} for good")
        self.start = self.end = 0
        self.told_start(start)
        self._verify_end(start, end, power=power)
        self.told_end(end)
        self._recovered = end
        self.seen(found, sent)
        present = {(each.batch, each.slot) for each in found}
        if len(present) < len(found):
            raise self.wrong(f"a record is there twice: {self._twice(found)}")
        if self.topic.compacted:
            self._verify_keys(found, start, sent, power=power)
        elif [each.offset for each in found] != list(range(start, end)):
            raise self.wrong(f"{len(found)} records were read between {start} and {end}: some are missing")
        self._verify_order(found, sent)
        self._acked.clear()
        self._deleted.clear()

    def _verify_end(self, start: int, end: int, *, power: bool) -> None:
        lost = [offset for offset in self.places if offset >= end]
        if not lost:
            return
        first = min(lost)
        if not power:
            raise self.wrong(f"the log ends at {end}; acknowledged or read: {self.places[first]} at {first}")
        durable = max((offset for offset in lost if start <= offset < self.durable), default=None)
        if durable is not None:
            raise self.wrong(f"the log ends at {end}; {self.places[durable]} at {durable} had been flushed")
        for offset in lost:
            batch, _ = self.places.pop(offset)
            batch.fate = Fate.LOST
        self.durable = min(self.durable, end)

    def _verify_order(self, found: Sequence[Found], sent: dict[int, Sent]) -> None:
        numbers: dict[str, int] = {}
        epoch = -1
        for each in found:
            batch = sent[each.batch]
            # Others were meant for an earlier topic of the name, with numbers of its own.
            if batch.partition is self:
                if batch.number < numbers.get(batch.sender, -1):
                    raise self.wrong(f"{batch} stands behind a later batch of the same sender")
                numbers[batch.sender] = batch.number
            if each.epoch < epoch:
                raise self.wrong(f"the leader epoch goes back to {each.epoch} at offset {each.offset}")
            epoch = each.epoch

    def _verify_keys(self, found: Sequence[Found], start: int, sent: dict[int, Sent], *, power: bool) -> None:
        """What compaction removed had a later record of its key behind it, and one that does not get lost."""
        there = {each.record.key for each in found}
        present = {each.offset for each in found}
        known: dict[bytes | None, list[tuple[int, bytes | None]]] = {}
        for offset, (batch, slot) in sorted(self.places.items()):
            record = batch.records[slot]
            known.setdefault(record.key, []).append((offset, record.value))
        unseen = {
            record.key
            for batch in sent.values()
            if batch.partition is self and batch.fate is Fate.OPEN
            for record in batch.records
            if record.value is None
        }
        for key, places in known.items():
            for offset, value in reversed(places):
                if offset in present or offset < start:
                    break
                if key not in there and (value is None or key in unseen):
                    break  # a tombstone has done its work
                if not power or offset < self.durable:
                    raise self.wrong(f"compaction lost the last record of key {key!r}, at offset {offset}")
        if power:  # lost or compacted: nobody can tell, and it does not come back
            self.places = {offset: place for offset, place in self.places.items() if offset in present}

    def _twice(self, found: Sequence[Found]) -> str:
        seen: dict[tuple[int, int], int] = {}
        for each in found:
            place = (each.batch, each.slot)
            if place in seen:
                return f"batch {each.batch}.{each.slot} at {seen[place]} and {each.offset}"
            seen[place] = each.offset
        return ""
