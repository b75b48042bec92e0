"""Which feature levels a new cluster starts with."""

from __future__ import annotations

from ottla.broker.formatting.options import FormatError, FormatOptions, parse_feature, refused
from ottla.core.metadata.levels import (
    FEATURES,
    KRAFT_VERSION,
    LATEST_METADATA_VERSION,
    METADATA_VERSION,
    METADATA_VERSION_NAMES,
    MINIMUM_METADATA_VERSION,
    LevelError,
    check_dependencies,
    metadata_version_level,
)
from ottla.core.wire.messages.records.metadata import FeatureLevelRecord


def initial_levels(options: FormatOptions, *, dynamic_quorum: bool) -> dict[str, int]:
    """All features by name, `kraft.version` among them. Raises FormatError."""
    asked = dict(parse_feature(text) for text in options.features)
    metadata_version = _metadata_version(options, asked)
    levels = {METADATA_VERSION: metadata_version}
    for name, level in asked.items():
        if name == METADATA_VERSION:
            continue
        if name not in FEATURES:
            known = ", ".join(sorted(FEATURES))
            raise FormatError(f"Unsupported feature: {name}. Supported features are: {known}")
        levels[name] = level
    levels[KRAFT_VERSION] = _kraft_version(asked.get(KRAFT_VERSION), dynamic_quorum)
    for name, feature in FEATURES.items():
        levels.setdefault(name, feature.default_level(metadata_version))
        if not 0 <= levels[name] <= feature.maximum:
            raise FormatError(f"No feature:{name} with feature level {levels[name]}")
    try:
        for name in FEATURES:
            check_dependencies(name, levels[name], levels)
    except LevelError as error:
        raise refused(error) from error
    return levels


def _metadata_version(options: FormatOptions, asked: dict[str, int]) -> int:
    if METADATA_VERSION in asked:
        if options.release_version is not None:
            raise FormatError(
                f"Use --release-version instead of --feature {METADATA_VERSION}=X to avoid ambiguity."
            )
        level = asked[METADATA_VERSION]
        if level not in METADATA_VERSION_NAMES:
            raise FormatError(
                f"No MetadataVersion with feature level {level}. Valid feature levels are from "
                f"{MINIMUM_METADATA_VERSION} to {LATEST_METADATA_VERSION}."
            )
        return level
    if options.release_version is None:
        return LATEST_METADATA_VERSION
    try:
        return metadata_version_level(options.release_version)
    except LevelError as error:
        raise refused(error) from error


def _kraft_version(asked: int | None, dynamic_quorum: bool) -> int:
    """1 keeps the voters in the log, 0 in `controller.quorum.voters`."""
    if asked is None:
        return 1 if dynamic_quorum else 0
    if asked == 0 and dynamic_quorum:
        raise FormatError(
            "Cannot set kraft.version to 0 if controller.quorum.voters is empty and one of the flags --standalone, "
            "--initial-controllers, or --no-initial-controllers is used. For dynamic controllers support, try "
            "removing the --feature flag for kraft.version."
        )
    if asked > 0 and not dynamic_quorum:
        raise FormatError(
            f"Cannot set kraft.version to {asked} unless controller.quorum.voters is empty and one of the flags "
            "--standalone, --initial-controllers, or --no-initial-controllers is used. For dynamic controllers "
            "support, try using one of --standalone, --initial-controllers, or --no-initial-controllers and "
            "removing controller.quorum.voters."
        )
    return asked


def level_records(levels: dict[str, int]) -> list[object]:
    """`metadata.version` first, the others by name; `kraft.version` lives elsewhere and level 0 is no record."""
    others = (name for name in sorted(levels) if name not in (METADATA_VERSION, KRAFT_VERSION))
    names = [METADATA_VERSION, *(name for name in others if levels[name] > 0)]
    return [FeatureLevelRecord(name=name, feature_level=levels[name]) for name in names]
