"""The table holds what Kafka 4.3 has, in order, in whole sentences; the page in the docs is the table's."""

from __future__ import annotations

import importlib.util
import re
from collections import Counter
from pathlib import Path

import pytest

from ottla.broker.config.log_config import FIELDS
from ottla.core.log.config import LogConfig
from ottla.core.model.settings.describe import Layers, broker_entries
from ottla.core.model.settings.setting import Dynamic, Flag, Setting
from ottla.core.model.settings.synonyms import BROKER_CHAINS, TOPIC_TO_BROKER, group_to_broker
from ottla.core.model.settings.table import (
    BROKER,
    BROKER_THEMES,
    CLIENT_METRICS,
    GROUP,
    REPLACED,
    TABLES,
    TOPIC,
    is_known,
    nearest,
)

EVERY = [setting for table in TABLES.values() for setting in table.values()]


def test_kafka_lists_340_broker_33_topic_17_group_and_3_client_metrics_configs() -> None:
    values = {name: setting.default for name, setting in BROKER.items()}
    assert len(broker_entries(Layers({}, {}, {}), values)) == 340
    assert sum(not setting.internal for setting in TOPIC.values()) == 33
    assert len(GROUP) == 17
    assert len(CLIENT_METRICS) == 3


def test_kafka_can_change_65_configs_for_all_brokers_and_37_for_one() -> None:
    dynamic = Counter(setting.dynamic for setting in BROKER.values() if not setting.own)
    assert dynamic[Dynamic.CLUSTER_WIDE] == 65
    assert dynamic[Dynamic.PER_BROKER] == 37


def test_no_name_is_declared_twice() -> None:
    names = Counter(setting.name for _, theme in BROKER_THEMES for setting in theme)
    assert [name for name, times in names.items() if times > 1] == []


@pytest.mark.parametrize("setting", EVERY, ids=lambda setting: setting.name)
def test_every_setting_accepts_its_own_default_and_says_what_it_is(setting: Setting) -> None:
    if not setting.required:
        setting.check(setting.default)
        if setting.default is not None:
            assert setting.read(setting.default_text or "") == setting.default
    assert re.fullmatch(r"[A-Z`].*\.", setting.doc)
    assert len(setting.doc) > 10


def test_own_settings_carry_our_name() -> None:
    assert all(setting.name.startswith("ottla.") == setting.own for setting in BROKER.values())
    assert not any(Flag.OWN in setting.flags for setting in TOPIC.values())


def test_every_topic_config_is_a_field_of_a_log_config() -> None:
    assert set(FIELDS.values()) == set(LogConfig.__struct_fields__) - {"record_validation"}


def test_the_defaults_of_a_log_are_those_of_the_table() -> None:
    plain = LogConfig()
    for name, field in FIELDS.items():
        default = TOPIC[name].default
        assert getattr(plain, field) == (frozenset(default) if field == "cleanup_policy" else default)


def test_what_stands_in_for_what_is_in_the_table() -> None:
    assert set(TOPIC_TO_BROKER) < set(TOPIC)
    assert set(TOPIC_TO_BROKER.values()) < set(BROKER)
    assert {name for chain in BROKER_CHAINS.values() for name in chain} < set(BROKER)
    assert {above for name in GROUP if (above := group_to_broker(name))} < set(BROKER)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("log.retention.hour", "log.retention.hours"),
        ("listner", "listeners"),
        ("log_dirs", "log.dirs"),
        ("Advertised.Listeners", "advertised.listeners"),
        ("auto.create.topic.enable", "auto.create.topics.enable"),
        ("entirely.something.else", None),
    ],
)
def test_a_misspelt_key_finds_the_right_one(written: str, meant: str | None) -> None:
    assert nearest(written) == meant


def test_replaced_keys_are_not_in_the_table() -> None:
    assert not any(is_known(name) for name in REPLACED)


def test_the_page_is_written_from_the_table() -> None:
    script = Path(__file__).parents[3] / "docs" / "reference" / "write_settings.py"
    spec = importlib.util.spec_from_file_location("write_settings", script)
    assert spec is not None
    assert spec.loader is not None
    writer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(writer)
    assert writer.PAGE.read_text(encoding="utf-8") == writer.page(), "run docs/reference/write_settings.py"
