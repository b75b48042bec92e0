from __future__ import annotations

import pytest

from ottla.core.metadata.features import UpgradeType
from ottla.core.metadata.levels import (
    FEATURES,
    LevelError,
    downgrade_changes_metadata,
    metadata_version_level,
)
from ottla.core.model.errors import ErrorCode
from ottla.core.wire.messages.update_features import FeatureUpdateKey, UpdateFeaturesRequest
from tests.unit.metadata.cluster import Cluster

UP, SAFE, UNSAFE = UpgradeType.UPGRADE, UpgradeType.SAFE_DOWNGRADE, UpgradeType.UNSAFE_DOWNGRADE


def update(
    cluster: Cluster, feature: str, level: int, kind: int = UP, *, validate: bool = False
) -> tuple[int, str | None]:
    key = FeatureUpdateKey(feature=feature, max_version_level=level, upgrade_type=kind)
    reply = cluster.ask(UpdateFeaturesRequest(feature_updates=[key], validate_only=validate))
    return reply.error_code, reply.error_message


def test_levels_go_up_and_down() -> None:
    cluster = Cluster(brokers=1)
    assert update(cluster, "transaction.version", 2) == (0, None)
    assert cluster.image.features["transaction.version"] == 2
    assert update(cluster, "transaction.version", 0, SAFE) == (0, None)
    assert "transaction.version" not in cluster.image.features


def test_validating_writes_nothing() -> None:
    cluster = Cluster(brokers=1)
    assert update(cluster, "group.version", 1, validate=True) == (0, None)
    assert cluster.written == []


@pytest.mark.parametrize(
    ("feature", "level", "kind", "text"),
    [
        (
            "nope",
            1,
            UP,
            "Invalid update version 1 for feature nope. Local controller 100 does not support this feature.",
        ),
        (
            "group.version",
            5,
            UP,
            "Invalid update version 5 for feature group.version. Local controller 100 only supports versions 0-1",
        ),
        (
            "group.version",
            -1,
            UP,
            "Invalid update version -1 for feature group.version. A feature version cannot be less than 0.",
        ),
        (
            "eligible.leader.replicas.version",
            0,
            UP,
            "Invalid update version 0 for feature eligible.leader.replicas.version. Can't downgrade the version of this "
            "feature without setting the upgrade type to either safe or unsafe downgrade.",
        ),
        (
            "group.version",
            1,
            SAFE,
            "Invalid update version 1 for feature group.version. Can't downgrade to a newer version.",
        ),
        (
            "group.version",
            1,
            7,
            "Invalid update version 1 for feature group.version. The controller does not support the given upgrade type.",
        ),
        ("orders", 0, UP, "Invalid update version 0 for feature orders. Feature orders not found."),
        (
            "metadata.version",
            29,
            SAFE,
            "Unsupported metadata.version downgrade from 30 to 29. Refusing to perform the requested downgrade because it "
            "might delete metadata information.",
        ),
        (
            "metadata.version",
            29,
            UNSAFE,
            "Unsupported metadata.version downgrade from 30 to 29. Unsafe metadata downgrade is not supported in this version.",
        ),
    ],
)
def test_refusals(feature: str, level: int, kind: int, text: str) -> None:
    cluster = Cluster(brokers=1)
    prefix = "The update failed for all features since the following feature had an error: "
    assert update(cluster, feature, level, kind) == (ErrorCode.INVALID_UPDATE_VERSION, prefix + text)
    assert cluster.written == []


def test_one_refused_feature_refuses_all() -> None:
    cluster = Cluster(brokers=1)
    keys = [
        FeatureUpdateKey(feature="group.version", max_version_level=1),
        FeatureUpdateKey(feature="nope", max_version_level=1),
    ]
    assert cluster.ask(UpdateFeaturesRequest(feature_updates=keys)).error_code != 0
    assert cluster.written == []


def test_names_of_metadata_versions() -> None:
    assert metadata_version_level("4.3-IV0") == metadata_version_level("4.3") == 30
    assert metadata_version_level("4.0") == 25
    with pytest.raises(LevelError):
        metadata_version_level("2.8")


def test_what_a_new_cluster_gets_at_each_metadata_version() -> None:
    assert {name: feature.default_level(30) for name, feature in FEATURES.items()} == {
        "eligible.leader.replicas.version": 1,
        "group.version": 1,
        "kraft.version": 1,
        "share.version": 1,
        "streams.version": 1,
        "transaction.version": 2,
    }
    assert {feature.default_level(20) for feature in FEATURES.values()} == {0}


def test_which_downgrades_lose_metadata() -> None:
    assert not downgrade_changes_metadata(29, 24)
    assert downgrade_changes_metadata(29, 22)
    assert downgrade_changes_metadata(30, 29)


def test_eligible_replicas_bring_their_cluster_wide_min_isr() -> None:
    cluster = Cluster(brokers=1, elr=False)
    assert update(cluster, "eligible.leader.replicas.version", 1) == (0, None)
    assert cluster.image.config(4, "") == {"min.insync.replicas": "1"}
