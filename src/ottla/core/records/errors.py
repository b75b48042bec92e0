"""What is wrong with records, said in Kafka's error codes."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ottla.core.model.errors import ErrorCode, KafkaError


class RecordError(msgspec.Struct, frozen=True):
    """One refused record: its place in the batch, counted from 0, and why. Travels in Produce answers from v8."""

    index: int
    message: str


class InvalidRecords(KafkaError):
    """A batch refused for some of its records: INVALID_TIMESTAMP or INVALID_RECORD, with each record's reason."""

    def __init__(self, code: ErrorCode, message: str, record_errors: Sequence[RecordError]) -> None:
        super().__init__(code, message)
        self.record_errors = tuple(record_errors)


class CompressionError(KafkaError):
    """Bytes that do not decompress, or that decompress to more than they may."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.INVALID_RECORD, message)


def corrupt(message: str) -> KafkaError:
    """CORRUPT_MESSAGE: the bytes are not what somebody once wrote."""
    return KafkaError(ErrorCode.CORRUPT_MESSAGE, message)


def invalid(message: str) -> KafkaError:
    """INVALID_RECORD: the bytes arrived whole, but say what no client may say."""
    return KafkaError(ErrorCode.INVALID_RECORD, message)
