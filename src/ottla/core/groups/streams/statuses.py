"""What a group tells its members beside their tasks: the statuses of StreamsGroupHeartbeat."""

from __future__ import annotations

from enum import IntEnum


class StatusCode(IntEnum):
    STALE_TOPOLOGY = 0
    MISSING_SOURCE_TOPICS = 1
    INCORRECTLY_PARTITIONED_TOPICS = 2
    MISSING_INTERNAL_TOPICS = 3
    SHUTDOWN_APPLICATION = 4
    ASSIGNMENT_DELAYED = 5


class Unfit(Exception):
    """The topics there are do not suit the topology; members hear why and keep asking."""

    def __init__(self, code: StatusCode, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text
