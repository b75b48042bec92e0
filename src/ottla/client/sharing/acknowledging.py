"""What the application says of its records, until a broker has heard it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from ottla.core.model.ids import Uuid
from ottla.core.partition.sharing.values import AcknowledgeType

Share: TypeAlias = "tuple[Uuid, int]"
"""Topic id and partition."""


class Run(NamedTuple):
    """Offsets in a row of which the same is said."""

    first: int
    last: int
    kind: AcknowledgeType


class Said:
    """What is said of one partition's records. What was said last of an offset counts."""

    __slots__ = ("_kinds", "_runs")

    def __init__(self) -> None:
        self._kinds: dict[int, AcknowledgeType] = {}
        self._runs: list[Run] = []

    def say(self, offset: int, kind: AcknowledgeType) -> None:
        self._kinds[offset] = kind

    def say_all(self, first: int, last: int, kind: AcknowledgeType) -> None:
        """Of offsets that the application was not handed: there is no such record, or it cannot be read."""
        self._runs.append(Run(first, last, kind))

    @property
    def offsets(self) -> list[int]:
        """Of records that the application has had, in order."""
        return sorted(self._kinds)

    @property
    def renews(self) -> bool:
        return AcknowledgeType.RENEW in self._kinds.values()

    def runs(self) -> list[Run]:
        """Everything in the order of offsets, neighbours of one kind together."""
        single = (Run(offset, offset, kind) for offset, kind in self._kinds.items())
        runs: list[Run] = []
        for each in sorted((*self._runs, *single)):
            before = runs[-1] if runs else None
            if before is not None and before.last + 1 == each.first and before.kind == each.kind:
                runs[-1] = before._replace(last=each.last)
            else:
                runs.append(each)
        return runs


class Unsent:
    """What no broker has heard yet, by the node it is for."""

    def __init__(self) -> None:
        self._said: dict[int, dict[Share, Said]] = {}
        self.since: int | None = None
        """The clock when the oldest of it was said."""

    def of(self, node: int, share: Share, now: int) -> Said:
        """Where to say something of a partition whose records came from `node`."""
        if self.since is None:
            self.since = now
        return self._said.setdefault(node, {}).setdefault(share, Said())

    @property
    def nodes(self) -> list[int]:
        return list(self._said)

    def take(self, node: int) -> Mapping[Share, Said]:
        """All that is for a node. Whoever takes it has it sent, or says why not."""
        taken = self._said.pop(node, {})
        if not self._said:
            self.since = None
        return taken
