"""Cutting a coordinator's log where its machine needs no more of it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ottla.core.model.errors import KafkaError

if TYPE_CHECKING:
    from ottla.broker.coordination.ledger import Ledger

_log = logging.getLogger("ottla.coordination")


def pruned(partition: Ledger, offset: int) -> KafkaError | None:
    """Remove what lies before `offset`; why that failed, if it did."""
    try:
        partition.delete_records_before(offset)
    except KafkaError as error:
        _log.warning("%s cannot be cut at offset=%d: %s", partition.name, offset, error)
        return error
    _log.info("cut %s at offset=%d: nothing before it is needed", partition.name, offset)
    return None
