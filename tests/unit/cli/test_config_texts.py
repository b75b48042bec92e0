"""Configs as an editable text, and what an edit changes."""

from __future__ import annotations

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ottla.broker.config.properties import parse_properties
from ottla.cli.config.applying import change_row, value_after
from ottla.cli.config.edit import difference, escaped, text_of
from ottla.cli.config.get import config_row
from ottla.cli.config.resource import nearest_key, own_source, resource_of
from ottla.cli.config.set import changes_of
from ottla.cli.problems import Problem
from ottla.client.admin.configs import SOURCES, ConfigChange, ConfigEntry, ConfigSynonym, Operation

ENTRIES = [
    ConfigEntry("a", "1", "topic", False, False),
    ConfigEntry("b", "two\\three", "topic", False, False),
    ConfigEntry("c", "3", "default", False, False),
    ConfigEntry("d", "4", "broker (static)", True, False),
    ConfigEntry("e", "5", "cluster (dynamic)", False, False),
    ConfigEntry("secret", None, "topic", False, True),
]
ORDERS = resource_of("topic", "orders")


@given(st.text(max_size=20), st.text(min_size=1, max_size=20))
def test_any_value_of_any_key_is_read_as_it_was_written(value: str, key: str) -> None:
    assert parse_properties(f"{escaped(key, key=True)}={escaped(value)}\n") == {key: value}


@pytest.mark.parametrize(
    ("kind", "name", "own"),
    [
        ("topic", "orders", "topic"),
        ("broker", "1", "broker (dynamic)"),
        ("broker", "all", "cluster (dynamic)"),
        ("group", "billing", "group"),
        ("client-metrics", "all", "client metrics"),
        ("broker-logger", "1", "broker logger"),
    ],
)
def test_each_kind_of_thing_has_a_source_of_its_own(kind: str, name: str, own: str) -> None:
    assert own in SOURCES.values()
    assert own_source(resource_of(kind, name)) == own


def test_what_a_change_makes_of_a_config() -> None:
    chain = (
        ConfigSynonym("cleanup.policy", "compact,delete", "topic"),
        ConfigSynonym("log.cleanup.policy", "delete", "default"),
    )
    before = ConfigEntry("cleanup.policy", "compact,delete", "topic", False, False, synonyms=chain)
    for change, after in (
        (ConfigChange("cleanup.policy", "compact"), "compact"),
        (ConfigChange("cleanup.policy", None, Operation.DELETE), "delete"),
        (ConfigChange("cleanup.policy", "delete", Operation.APPEND), "compact,delete"),
        (ConfigChange("cleanup.policy", "more", Operation.APPEND), "compact,delete,more"),
        (ConfigChange("cleanup.policy", "compact", Operation.SUBTRACT), "delete"),
    ):
        assert value_after(change, before, "topic") == after
    assert value_after(ConfigChange("a", None, Operation.DELETE), None, "topic") is None
    assert value_after(ConfigChange("a", "x", Operation.APPEND), None, "topic") == "x"


def test_what_is_sensitive_is_not_shown() -> None:
    (secret,) = [each for each in ENTRIES if each.sensitive]
    row = change_row(ORDERS, ConfigChange("secret", "opened"), {"secret": secret})
    assert (row["current"], row["new"]) == ("(sensitive)", "(sensitive)")
    assert config_row(secret)["value"] is None
    unset = change_row(resource_of("broker", "1"), ConfigChange("ssl.key.password", "opened"), {})
    assert (unset["current"], unset["new"]) == (None, "(sensitive)")


def test_a_misspelt_key_is_told_from_a_known_one() -> None:
    broker = resource_of("broker", "1")
    assert nearest_key(ORDERS, "retentoin.ms") == "retention.ms"
    assert nearest_key(ORDERS, "retention.ms") is None
    assert nearest_key(broker, "log.cleaner.threds") == "log.cleaner.threads"
    assert nearest_key(broker, "listener.name.internal.ssl.key.password") is None
    assert nearest_key(resource_of("broker-logger", "1"), "ottla.clean", ["ottla.cleaner"]) == "ottla.cleaner"


def test_an_unchanged_text_changes_nothing() -> None:
    text = text_of(ORDERS, ENTRIES)
    assert "\n#c=3\n" in text
    assert "\n#e=5\n" in text
    assert "d=4" not in text
    assert "secret" not in text
    assert difference(ORDERS, ENTRIES, text) == []


def test_what_was_edited_is_set_and_what_is_gone_is_unset() -> None:
    assert difference(ORDERS, ENTRIES, "a=5\nc=3\n") == [
        ConfigChange("a", "5"),
        ConfigChange("c", "3"),
        ConfigChange("b", None, Operation.DELETE),
    ]


def test_a_text_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(Problem, match=r"line 1: .* four hexadecimal digits"):
        difference(ORDERS, ENTRIES, "a=\\uXYZ1\n")


def test_changes_on_the_command_line() -> None:
    assert changes_of(("a=1", "b="), ("c",), ("d=x",), ("e=y",)) == [
        ConfigChange("a", "1"),
        ConfigChange("b", ""),
        ConfigChange("c", None, Operation.DELETE),
        ConfigChange("d", "x", Operation.APPEND),
        ConfigChange("e", "y", Operation.SUBTRACT),
    ]
    with pytest.raises(click.UsageError, match="a is changed twice"):
        changes_of(("a=1",), ("a",), (), ())
    with pytest.raises(click.UsageError, match="'a' is not KEY=VALUE"):
        changes_of(("a",), (), (), ())
