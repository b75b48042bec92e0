"""What a member says of records, taken word by word: whether it may say so, and what becomes of which."""

from __future__ import annotations

from itertools import groupby
from typing import Final

from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.partition.sharing.in_flight import NOBODY, Batch, Run
from ottla.core.partition.sharing.values import Acknowledgement, AcknowledgeType, RecordState

BECOMES: Final = {
    AcknowledgeType.GAP: RecordState.ARCHIVED,
    AcknowledgeType.ACCEPT: RecordState.ACKNOWLEDGED,
    AcknowledgeType.RELEASE: RecordState.AVAILABLE,
    AcknowledgeType.REJECT: RecordState.ARCHIVED,
}


def check_held(run: Run, member: str, *, alone: bool) -> None:
    """Raises INVALID_RECORD_STATE unless `member` holds the run. `alone`: it is a batch by itself."""
    if run.is_held and run.member == member:
        return
    if run.member == NOBODY:
        text = "The offset cannot be acknowledged. The offset is not acquired."
        if alone:
            text = "The batch cannot be acknowledged. The batch is not in the acquired state."
    elif run.next is not None:
        text = "The record state is invalid. The acknowledgement of delivery could not be completed."
    else:
        text = f"Member is not the owner of {'batch record' if alone else 'offset'}"
    raise KafkaError(ErrorCode.INVALID_RECORD_STATE, text)


def stretches(said: Acknowledgement, first: int, last: int) -> list[tuple[AcknowledgeType, int, int]]:
    """(type, first, last) of each stretch from `first` to `last` of which the same is said."""
    if len(said.types) == 1:
        return [(AcknowledgeType(said.types[0]), first, last)]
    found: list[tuple[AcknowledgeType, int, int]] = []
    for kind, same in groupby(said.types[first - said.first : last - said.first + 1]):
        count = sum(1 for _ in same)
        found.append((AcknowledgeType(kind), first, first + count - 1))
        first += count
    return found


def behind(batch: Batch, run: Run) -> Run:
    """The run that follows in the batch; the run itself at the end."""
    place = batch.place(run) + 1
    return batch.runs[place] if place < len(batch.runs) else run
