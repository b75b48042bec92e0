"""Raising and lowering feature levels (UpdateFeatures; KIP-584). All updates of a request succeed, or none does."""

from __future__ import annotations

import enum

from ottla.core.metadata.configs import MIN_ISR
from ottla.core.metadata.levels import (
    ELR_VERSION,
    KRAFT_VERSION,
    LATEST_METADATA_VERSION,
    METADATA_VERSION,
    MINIMUM_METADATA_VERSION,
    SUPPORTED,
    LevelError,
    check_dependencies,
    downgrade_changes_metadata,
)
from ottla.core.metadata.state import Command, State
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.machine import Outcome
from ottla.core.model.settings.table import ResourceType
from ottla.core.wire.messages.records.metadata import ConfigRecord, FeatureLevelRecord
from ottla.core.wire.messages.update_features import (
    FeatureUpdateKey,
    UpdatableFeatureResult,
    UpdateFeaturesRequest,
    UpdateFeaturesResponse,
)


class UpgradeType(enum.IntEnum):
    """What kind of change the caller agreed to."""

    UNKNOWN = 0
    UPGRADE = 1
    SAFE_DOWNGRADE = 2
    UNSAFE_DOWNGRADE = 3


def update_features(
    state: State, now: int, command: Command, request: UpdateFeaturesRequest
) -> Outcome[object, UpdateFeaturesResponse]:
    """All or nothing; versions 0 and 1 also name each feature in the answer to a success."""
    levels = {**state.image.features, METADATA_VERSION: state.image.metadata_version}
    levels.update({update.feature: update.max_version_level for update in request.feature_updates})
    records: list[object] = []
    for update in request.feature_updates:
        try:
            records += _update(state, update, _upgrade_type(update), levels)
        except KafkaError as error:
            text = (
                f"The update failed for all features since the following feature had an error: {error.text}"
            )
            return Outcome([], UpdateFeaturesResponse(error_code=error.code, error_message=text))
    names = [update.feature for update in request.feature_updates]
    results = [UpdatableFeatureResult(feature=name, error_message=ErrorCode.NONE.name) for name in names]
    answer = UpdateFeaturesResponse(error_message=None, results=results)
    return Outcome([] if request.validate_only else records, answer)


def _upgrade_type(update: FeatureUpdateKey) -> UpgradeType:
    known = update.upgrade_type in (
        UpgradeType.UPGRADE,
        UpgradeType.SAFE_DOWNGRADE,
        UpgradeType.UNSAFE_DOWNGRADE,
    )
    return UpgradeType(update.upgrade_type) if known else UpgradeType.UNKNOWN


def _refuse(name: str, level: int, why: str) -> KafkaError:
    return KafkaError(
        ErrorCode.INVALID_UPDATE_VERSION, f"Invalid update version {level} for feature {name}. {why}"
    )


def _update(
    state: State, update: FeatureUpdateKey, kind: UpgradeType, levels: dict[str, int]
) -> list[object]:
    name, level = update.feature, update.max_version_level
    if kind is UpgradeType.UNKNOWN:
        raise _refuse(name, level, "The controller does not support the given upgrade type.")
    if level < 0:
        raise _refuse(name, level, "A feature version cannot be less than 0.")
    _check_supported(state, name, level)
    if name == METADATA_VERSION:
        current = state.image.metadata_version
    elif name == KRAFT_VERSION:
        current = state.settings.kraft_version
    else:
        current = state.image.features.get(name, 0)
    if level < current and kind is UpgradeType.UPGRADE:
        raise _refuse(
            name,
            level,
            "Can't downgrade the version of this feature without setting the upgrade type to either safe or "
            "unsafe downgrade.",
        )
    if level > current and kind is not UpgradeType.UPGRADE:
        raise _refuse(name, level, "Can't downgrade to a newer version.")
    if name == METADATA_VERSION:
        _check_metadata_version(current, level, kind)
    elif name == KRAFT_VERSION:
        return _kraft_version(level, current)
    else:
        if name not in SUPPORTED:
            raise _refuse(name, level, f"Feature {name} not found.")
        try:
            check_dependencies(name, level, levels)
        except LevelError as error:
            raise _refuse(name, level, str(error)) from error
    records: list[object] = [FeatureLevelRecord(name=name, feature_level=level)]
    if name == ELR_VERSION and level > 0:
        records += _min_isr_records(state)
    return records


def _min_isr_records(state: State) -> list[object]:
    """Eligible leader replicas count on one min.insync.replicas for the whole cluster: no broker may have its own."""
    records: list[object] = [
        ConfigRecord(resource_type=kind, resource_name=name, name=MIN_ISR, value=None)
        for (kind, name), configs in state.image.configs.items()
        if kind == ResourceType.BROKER and name and MIN_ISR in configs
    ]
    if MIN_ISR not in state.image.config(ResourceType.BROKER, ""):
        static = str(state.settings.min_insync_replicas)
        records.append(
            ConfigRecord(resource_type=ResourceType.BROKER, resource_name="", name=MIN_ISR, value=static)
        )
    return records


def _check_supported(state: State, name: str, level: int) -> None:
    nodes = [(f"Local controller {state.settings.node_id}", SUPPORTED)]
    nodes += [(f"Broker {broker.id}", broker.features) for broker in state.image.brokers.values()]
    nodes += [
        (f"Controller {controller.id}", controller.features)
        for controller in state.image.controllers.values()
        if controller.id != state.settings.node_id
    ]
    for who, features in nodes:
        low, high = features.get(name, (0, 0))
        if not low <= level <= high:
            if high == 0:
                raise _refuse(name, level, f"{who} does not support this feature.")
            raise _refuse(name, level, f"{who} only supports versions {low}-{high}")


def _check_metadata_version(current: int, level: int, kind: UpgradeType) -> None:
    if not MINIMUM_METADATA_VERSION <= level <= LATEST_METADATA_VERSION:
        raise KafkaError(
            ErrorCode.INVALID_UPDATE_VERSION,
            f"Invalid metadata.version {level}. Valid versions are from {MINIMUM_METADATA_VERSION} to "
            f"{LATEST_METADATA_VERSION}.",
        )
    if level < current and downgrade_changes_metadata(current, level):
        unsafe = kind is UpgradeType.UNSAFE_DOWNGRADE
        why = (
            "Unsafe metadata downgrade is not supported in this version."
            if unsafe
            else "Refusing to perform the requested downgrade because it might delete metadata information."
        )
        raise KafkaError(
            ErrorCode.INVALID_UPDATE_VERSION,
            f"Unsupported metadata.version downgrade from {current} to {level}. {why}",
        )


def _kraft_version(level: int, current: int) -> list[object]:
    if level == current:
        return []
    if level < current:
        raise _refuse(KRAFT_VERSION, level, "Can't downgrade the version of this feature.")
    raise _refuse(
        KRAFT_VERSION,
        level,
        "Moving a running static quorum to dynamic voters is not built yet: format with --standalone instead.",
    )
