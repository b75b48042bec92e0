"""What counts for a single group."""

from __future__ import annotations

import pytest

from ottla.core.groups.settings import group_setting
from ottla.core.model.settings.table import BROKER, GROUP
from tests.unit.groups.driving import Groups

DEFAULTS = {name: each.default for name, each in BROKER.items()}
SESSION = "consumer.session.timeout.ms"


def test_a_group_that_sets_nothing_takes_the_brokers_values() -> None:
    broker = {**DEFAULTS, "group.consumer.session.timeout.ms": 50_000}
    assert group_setting(broker, {}, SESSION) == 50_000
    assert group_setting(broker, {"share.session.timeout.ms": "46000"}, SESSION) == 50_000
    assert group_setting(broker, {}, "share.auto.offset.reset") == "latest"


def test_a_group_takes_its_own() -> None:
    own = {
        SESSION: " 46000 ",
        "share.isolation.level": "read_committed",
        "share.renew.acknowledge.enable": "false",
    }
    assert group_setting(DEFAULTS, own, SESSION) == 46_000
    assert group_setting(DEFAULTS, own, "share.isolation.level") == "read_committed"
    assert group_setting(DEFAULTS, own, "share.renew.acknowledge.enable") is False


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        (SESSION, "1000", 45_000),
        (SESSION, "600000", 60_000),
        ("consumer.assignment.interval.ms", "600000", 15_000),
        ("share.record.lock.duration.ms", "1000", 15_000),
        ("share.delivery.count.limit", "24", 10),
        ("share.partition.max.record.locks", "9000", 4000),
        ("streams.heartbeat.interval.ms", "1", 5000),
        ("streams.num.standby.replicas", "7", 2),
        ("streams.num.standby.replicas", "0", 0),
        ("streams.initial.rebalance.delay.ms", "86400000", 86_400_000),
    ],
)
def test_what_lies_outside_the_brokers_bounds_counts_as_the_nearest_within(
    name: str, text: str, value: int
) -> None:
    """The bounds may have moved after the group's value was taken."""
    assert group_setting(DEFAULTS, {name: text}, name) == value


def test_what_cannot_be_read_counts_as_not_set() -> None:
    assert group_setting(DEFAULTS, {SESSION: "soon"}, SESSION) == 45_000
    assert (
        group_setting(DEFAULTS, {"share.auto.offset.reset": "never"}, "share.auto.offset.reset") == "latest"
    )


@pytest.mark.parametrize("name", GROUP)
def test_every_group_config_has_a_value(name: str) -> None:
    assert group_setting(DEFAULTS, {}, name) is not None


def test_a_state_looks_its_groups_up() -> None:
    groups = Groups()
    groups.state.configs = {"g": {SESSION: "46000"}}.__getitem__
    assert groups.state.setting("g", SESSION) == 46_000
