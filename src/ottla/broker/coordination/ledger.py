"""What a shard needs of the partition it writes; `broker.partition.Partition` is one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ottla.broker.coordination.proving import Guard
    from ottla.broker.storage.answers import Appended, Origin
    from ottla.core.model.errors import ErrorCode


class Ledger(Protocol):
    """A partition of a coordinator's topic that this node leads."""

    @property
    def name(self) -> str: ...

    @property
    def leader_epoch(self) -> int: ...

    @property
    def leading(self) -> bool: ...

    @property
    def log(self) -> Any:
        """A `Log`, or None while its directory is offline."""
        ...

    @property
    def verifying(self) -> dict[int, Guard]: ...

    def append(
        self, records: bytes | memoryview, acks: int, *, origin: Origin, transaction_version: int = 0
    ) -> Appended: ...

    def delete_records_before(self, offset: int) -> int: ...

    def safe(self, offset: int, acks: int) -> bool: ...

    def when_safe(self, offset: int, acks: int, tell: Callable[[ErrorCode], None]) -> None: ...
