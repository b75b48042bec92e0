"""Feature levels of Kafka 4.3 (KIP-584, KIP-1022): which exist, which a new cluster gets, what depends on what.

`metadata.version` decides in which version metadata records are written; its levels carry names ("4.3-IV0").
The others are small numbers with a bootstrap level: the first `metadata.version` at which a new cluster gets them.
`kraft.version` is a feature too, but its level lives in control records of the metadata log, not in FeatureLevel records.
"""

from __future__ import annotations

from typing import Final

import msgspec

METADATA_VERSION: Final = "metadata.version"
KRAFT_VERSION: Final = "kraft.version"
ELR_VERSION: Final = "eligible.leader.replicas.version"
TRANSACTION_VERSION: Final = "transaction.version"
GROUP_VERSION: Final = "group.version"
SHARE_VERSION: Final = "share.version"
STREAMS_VERSION: Final = "streams.version"

MINIMUM_METADATA_VERSION: Final = 7
LATEST_METADATA_VERSION: Final = 30

METADATA_VERSION_NAMES: Final[dict[int, str]] = {
    7: "3.3-IV3",
    8: "3.4-IV0",
    9: "3.5-IV0",
    10: "3.5-IV1",
    11: "3.5-IV2",
    12: "3.6-IV0",
    13: "3.6-IV1",
    14: "3.6-IV2",
    15: "3.7-IV0",
    16: "3.7-IV1",
    17: "3.7-IV2",
    18: "3.7-IV3",
    19: "3.7-IV4",
    20: "3.8-IV0",
    21: "3.9-IV0",
    22: "4.0-IV0",
    23: "4.0-IV1",
    24: "4.0-IV2",
    25: "4.0-IV3",
    26: "4.1-IV0",
    27: "4.1-IV1",
    28: "4.2-IV0",
    29: "4.2-IV1",
    30: "4.3-IV0",
}

CHANGES_METADATA: Final = frozenset({7, 8, 11, 13, 14, 15, 17, 23, 30})
"""Levels that brought new record versions: going below one of them could lose metadata."""

SCRAM_SINCE: Final = 11
TRANSACTIONS_SINCE: Final = 13
TOKENS_SINCE: Final = 14
CONTROLLER_REGISTRATION_SINCE: Final = 15
DIRECTORIES_SINCE: Final = 17
ELR_SINCE: Final = 23
CORDONED_DIRECTORIES_SINCE: Final = 30


class Feature(msgspec.Struct, frozen=True):
    """A feature's levels 0..`maximum`; `bootstrap[level]` is the metadata.version from which it is the default."""

    name: str
    maximum: int
    bootstrap: dict[int, int]
    needs_metadata_version: dict[int, int] = {}

    def default_level(self, metadata_version: int) -> int:
        return max((level for level, since in self.bootstrap.items() if since <= metadata_version), default=0)


FEATURES: Final[dict[str, Feature]] = {
    feature.name: feature
    for feature in (
        Feature(ELR_VERSION, 1, {1: 26}, {1: ELR_SINCE}),
        Feature(GROUP_VERSION, 1, {1: 22}),
        Feature(KRAFT_VERSION, 1, {1: 21}),
        Feature(SHARE_VERSION, 1, {1: 28}),
        Feature(STREAMS_VERSION, 1, {1: 29}),
        Feature(TRANSACTION_VERSION, 2, {1: 24, 2: 24}),
    )
}
"""All but `metadata.version`, by name in alphabetical order."""

SUPPORTED: Final[dict[str, tuple[int, int]]] = {
    METADATA_VERSION: (MINIMUM_METADATA_VERSION, LATEST_METADATA_VERSION),
    **{name: (0, feature.maximum) for name, feature in FEATURES.items()},
}
"""(minimum, maximum) level of every feature this node supports."""


class LevelError(ValueError):
    """A level does not exist or depends on one that is not there; the text is Kafka's."""


def metadata_version_name(level: int) -> str:
    """`30` -> `4.3-IV0`."""
    return METADATA_VERSION_NAMES[level]


def metadata_version_level(text: str) -> int:
    """`4.3-IV0` or `4.3` (its newest level) -> 30. Raises LevelError."""
    parts = text.split(".")
    if len(parts) > 2 and "-" not in text:
        text = ".".join(parts[:2])
    matching = [level for level, name in METADATA_VERSION_NAMES.items() if text in (name, name.split("-")[0])]
    if not matching:
        known = ", ".join(METADATA_VERSION_NAMES.values())
        raise LevelError(f"Unknown metadata.version '{text}'. Supported metadata.version are: {known}")
    return max(matching)


def check_dependencies(name: str, level: int, levels: dict[str, int]) -> None:
    """Raise LevelError unless `levels` (all features as they will be) allow feature `name` at `level`."""
    feature = FEATURES[name]
    metadata_version = levels.get(METADATA_VERSION, 0)
    if level >= 1 and metadata_version < MINIMUM_METADATA_VERSION:
        oldest = f"{MINIMUM_METADATA_VERSION} ({metadata_version_name(MINIMUM_METADATA_VERSION)})"
        raise LevelError(
            f"{name} could not be set to {level} because it depends on metadata.version={oldest}"
        )
    needed = feature.needs_metadata_version.get(level, 0)
    if metadata_version < needed:
        raise LevelError(
            f"{name} could not be set to {level} because it depends on {METADATA_VERSION} level {needed}"
        )


def downgrade_changes_metadata(current: int, target: int) -> bool:
    """Would going from metadata.version `current` down to `target` lose records?"""
    return any(target < level <= current for level in CHANGES_METADATA)
