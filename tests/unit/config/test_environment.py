"""Settings from environment variables."""

from __future__ import annotations

import pytest

from ottla.broker.config.environment import from_environment, key_of


@pytest.mark.parametrize(
    ("variable", "key"),
    [
        ("LOG_RETENTION_MS", "log.retention.ms"),
        ("LISTENER_NAME_A__B_MAX_CONNECTIONS", "listener.name.a_b.max.connections"),
        ("LISTENER_NAME_A___B_MAX_CONNECTIONS", "listener.name.a-b.max.connections"),
    ],
)
def test_underscores_stand_for_dots_underscores_and_dashes(variable: str, key: str) -> None:
    assert key_of(variable) == key


def test_the_more_special_prefix_wins() -> None:
    environment = {
        "OTTLA_NODE_ID": "3",
        "KAFKA_NODE_ID": "1",
        "KAFKA_CFG_NODE_ID": "2",
        "KAFKA_LOG_DIRS": "/a",
    }
    assert from_environment(environment) == {"node.id": "3", "log.dirs": "/a"}


def test_our_own_settings_need_their_name_only_once() -> None:
    assert from_environment({"OTTLA_METRICS_PORT": "1"}) == {"ottla.metrics.port": "1"}


def test_variables_of_others_are_left_alone() -> None:
    strangers = {
        "KAFKA_HEAP_OPTS": "-Xmx1G",
        "KAFKA_BOOTSTRAP_SERVERS": "a:1",
        "KAFKA_HOME": "/opt",
        "PATH": "/bin",
    }
    assert from_environment(strangers) == {}


def test_secret_keys_reach_the_check_that_refuses_them() -> None:
    assert from_environment({"KAFKA_SUPER_USERS": "User:a"}) == {"super.users": "User:a"}
