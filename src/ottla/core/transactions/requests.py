"""What a transaction coordinator is asked, and what it asks of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ottla.core.model.errors import ErrorCode
from ottla.core.transactions.transaction import Place


class InitProducer(NamedTuple):
    """A producer begins under a transactional id. `expected` is the id and epoch it had, to go on after an error."""

    transactional_id: str
    timeout_ms: int
    expected: tuple[int, int] | None = None


class AddPartitions(NamedTuple):
    """Partitions take part in the transaction; `client_version` is the transaction version of who asks."""

    transactional_id: str
    producer_id: int
    producer_epoch: int
    partitions: frozenset[Place]
    client_version: int = 0


class VerifyPartitions(NamedTuple):
    """Do these partitions take part? Asked by their leaders before they append (KIP-890)."""

    transactional_id: str
    producer_id: int
    producer_epoch: int
    partitions: frozenset[Place]


class End(NamedTuple):
    transactional_id: str
    producer_id: int
    producer_epoch: int
    committed: bool
    client_version: int


class ListAll(NamedTuple):
    """Names of states as clients write them; `duration_ms` below 0 and an empty pattern filter nothing."""

    states: Sequence[str]
    producer_ids: Sequence[int]
    duration_ms: int = -1


class Describe(NamedTuple):
    transactional_id: str


class Verified(NamedTuple):
    """The answer to `VerifyPartitions`."""

    errors: Mapping[Place, ErrorCode]


class Initialised(NamedTuple):
    """The answer to `InitProducer`."""

    producer_id: int
    producer_epoch: int


class Ended(NamedTuple):
    """The answer to `End`: what the producer goes on with, -1 where it keeps what it has."""

    producer_id: int = -1
    producer_epoch: int = -1


class Markers(NamedTuple):
    """A call: have the end of the transaction marked in these partitions. Answered with an error code for each."""

    transactional_id: str
    producer_id: int
    producer_epoch: int
    committed: bool
    partitions: frozenset[Place]
    version: int


class NewProducerId(NamedTuple):
    """A call: get a producer id. What needs it is decided again with it."""

    token: object | None
    request: InitProducer | End
    from_client: bool
