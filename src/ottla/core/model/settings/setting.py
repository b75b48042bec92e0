"""What is declared about one setting, and the four words it is declared with.

The word says what the setting does here:

* `works`: it does what it says;
* `unused`: accepted, but there is nothing to tune (thread counts, Java classes that only observe);
* `later`: accepted; it belongs to a part of the platform that is not there yet;
* `refused`: security, encryption, tiering and the like. Ignoring it would be unsafe, so a start with another value
  than the default ends with its name.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, TypeAlias

import msgspec

from ottla.core.model.settings.kinds import Kind, Value, parse, text_of
from ottla.core.model.settings.valid import Valid


class Importance(Enum):
    """How soon somebody who sets up a cluster should look at a setting."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Dynamic(Enum):
    """Whether a broker setting can be changed while the broker runs, and for whom."""

    READ_ONLY = "read-only"
    PER_BROKER = "per-broker"
    CLUSTER_WIDE = "cluster-wide"


class Effect(Enum):
    """What a setting does here (see above)."""

    WORKS = "works"
    UNUSED = "unused"
    LATER = "later"
    REFUSED = "refused"


class Flag(Enum):
    """What else there is to say about a setting."""

    REQUIRED = "has no default: it must be set"
    INTERNAL = "not listed by DescribeConfigs unless it is set"
    DYNAMIC_ONLY = "can be set while running, never in a file, and is not listed unless it is set"
    OWN = "ours, not Kafka's"


HIGH: Final = Importance.HIGH
LOW: Final = Importance.LOW
PER_BROKER: Final = Dynamic.PER_BROKER
CLUSTER_WIDE: Final = Dynamic.CLUSTER_WIDE
REQUIRED: Final = Flag.REQUIRED
INTERNAL: Final = Flag.INTERNAL
DYNAMIC_ONLY: Final = Flag.DYNAMIC_ONLY
OWN: Final = Flag.OWN
BOOLEAN: Final = Kind.BOOLEAN
STRING: Final = Kind.STRING
INT: Final = Kind.INT
SHORT: Final = Kind.SHORT
LONG: Final = Kind.LONG
DOUBLE: Final = Kind.DOUBLE
LIST: Final = Kind.LIST
CLASS: Final = Kind.CLASS
PASSWORD: Final = Kind.PASSWORD

Trait: TypeAlias = "Valid | Importance | Dynamic | Flag"


class Setting(msgspec.Struct, frozen=True):
    """One setting: its kind, default, rule, documentation and what it does here."""

    name: str
    kind: Kind
    default: Value
    doc: str
    effect: Effect
    valid: Valid | None = None
    importance: Importance = Importance.MEDIUM
    dynamic: Dynamic = Dynamic.READ_ONLY
    flags: frozenset[Flag] = frozenset()

    @property
    def required(self) -> bool:
        return Flag.REQUIRED in self.flags

    @property
    def internal(self) -> bool:
        """Not in DescribeConfigs unless set."""
        return Flag.INTERNAL in self.flags

    @property
    def own(self) -> bool:
        return Flag.OWN in self.flags

    @property
    def sensitive(self) -> bool:
        return self.kind is Kind.PASSWORD

    @property
    def default_text(self) -> str | None:
        return text_of(self.default)

    def read(self, text: str) -> Value:
        """A value out of text, checked. Repetitions in a list are dropped. Raises InvalidSetting."""
        value = parse(self.name, self.kind, text)
        if isinstance(value, tuple):
            value = tuple(dict.fromkeys(value))
        self.check(value)
        return value

    def check(self, value: Value) -> None:
        if self.valid is not None:
            self.valid.check(self.name, value)


def works(name: str, kind: Kind, default: Value, doc: str, *traits: Trait) -> Setting:
    return _declare(name, kind, default, doc, Effect.WORKS, traits)


def unused(name: str, kind: Kind, default: Value, doc: str, *traits: Trait) -> Setting:
    return _declare(name, kind, default, doc, Effect.UNUSED, traits)


def later(name: str, kind: Kind, default: Value, doc: str, *traits: Trait) -> Setting:
    return _declare(name, kind, default, doc, Effect.LATER, traits)


def refused(name: str, kind: Kind, default: Value, doc: str, *traits: Trait) -> Setting:
    return _declare(name, kind, default, doc, Effect.REFUSED, traits)


def _declare(
    name: str, kind: Kind, default: Value, doc: str, effect: Effect, traits: tuple[Trait, ...]
) -> Setting:
    valid: Valid | None = None
    importance = Importance.MEDIUM
    dynamic = Dynamic.READ_ONLY
    flags: list[Flag] = []
    for trait in traits:
        if isinstance(trait, Importance):
            importance = trait
        elif isinstance(trait, Dynamic):
            dynamic = trait
        elif isinstance(trait, Flag):
            flags.append(trait)
        else:
            valid = trait
    return Setting(name, kind, default, doc, effect, valid, importance, dynamic, frozenset(flags))
