"""What a share member says of the records it holds: words for offsets, put into a request and judged by its answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from ottla.core.model.errors import ErrorCode
from ottla.core.partition.sharing.values import AcknowledgeType
from ottla.sim.coordination.asking import NOT_NOW, NotNow
from ottla.sim.coordination.share_facts import Hold, ShareFacts
from ottla.sim.judge.facts import Violation

Words: TypeAlias = "dict[Hold, AcknowledgeType]"
Stretch: TypeAlias = "tuple[int, int, list[int]]"
"""First and last offset, and a type for each, or one for all."""

FINAL: Final = frozenset({AcknowledgeType.ACCEPT, AcknowledgeType.REJECT})
LATE: Final = frozenset({ErrorCode.INVALID_RECORD_STATE, ErrorCode.INVALID_REQUEST})
"""The lock has ended, and somebody else has the record, or it is done with."""


def stretches(words: Words) -> dict[int, list[Stretch]]:
    """By partition; neighbours together."""
    found: dict[int, list[Stretch]] = {}
    for hold in sorted(words, key=lambda hold: hold.place):
        partition, offset = hold.place
        said = found.setdefault(partition, [])
        if said and said[-1][1] + 1 == offset:
            first, _, types = said[-1]
            said[-1] = (first, offset, [*types, words[hold]])
        else:
            said.append((offset, offset, [words[hold]]))
    return {
        partition: [
            (first, last, types[:1] if len(set(types)) == 1 else types) for first, last, types in said
        ]
        for partition, said in found.items()
    }


class Spoken:
    """Words on their way. From here until the answer nobody but `heard` and `unheard` may judge them."""

    def __init__(self, facts: ShareFacts, words: Words, asked: int) -> None:
        self._facts = facts
        self._asked = asked
        self.text = ", ".join(
            f"{partition}: {first}-{last} {'/'.join(AcknowledgeType(each).name for each in types)}"
            for partition, said in stretches(words).items()
            for first, last, types in said
        )
        """For the trace."""
        self._by_partition: dict[int, Words] = {}
        for hold, word in words.items():
            self._by_partition.setdefault(hold.place[0], {})[hold] = word
            if word is AcknowledgeType.RELEASE:
                facts.forget(hold)

    def unheard(self) -> None:
        """There is no answer."""
        for words in self._by_partition.values():
            self._doubt(words)

    def heard(self, codes: Mapping[int, int], now: int) -> None:
        """The codes of the partitions that were spoken of. Raises Violation, NotNow when some were put off."""
        if not self._by_partition.keys() <= codes.keys():
            raise Violation(f"words about {sorted(self._by_partition)} were answered for {sorted(codes)}")
        put_off: list[str] = []
        for partition, words in self._by_partition.items():
            code = ErrorCode(codes[partition])
            if code in NOT_NOW:
                self._doubt(words)
                put_off.append(code.name)
            elif code:
                self._refused(words, code, now)
            else:
                self._kept(words, now)
        if put_off:
            raise NotNow(f"acknowledging: {', '.join(put_off)}")

    def _doubt(self, words: Words) -> None:
        for hold, word in words.items():
            self._facts.forget(hold)
            if word in FINAL:
                self._facts.doubts(hold.place)

    def _refused(self, words: Words, code: ErrorCode, now: int) -> None:
        """All of a partition counts or nothing does: one lock that may have ended is reason enough."""
        if code not in LATE or all(hold.stands(now) for hold in words):
            places: Sequence[object] = [hold.place for hold in words]
            raise Violation(f"what was said of {places} was answered {code.name}")
        for hold in words:
            self._facts.forget(hold)
        self._facts.reached["late acknowledgements refused"] += 1

    def _kept(self, words: Words, now: int) -> None:
        for hold, word in words.items():
            if word is AcknowledgeType.RENEW:
                self._facts.renewed(hold, self._asked)
            elif word in FINAL:
                self._facts.done(hold.place, now)
