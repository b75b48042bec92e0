"""Where a value comes from, and what else could have given it."""

from __future__ import annotations

from ottla.broker.config.load import from_properties
from ottla.core.model.settings import describe
from ottla.core.model.settings.describe import Entry, Layers, Source, Synonym
from ottla.core.model.settings.kinds import Kind
from ottla.core.model.settings.topic_defaults import topic_values

NODE = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.quorum.voters": "1@127.0.0.1:9093",
    "listeners": "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093",
    "controller.listener.names": "CONTROLLER",
}


def broker(
    name: str,
    file: dict[str, str] | None = None,
    cluster: dict[str, str] | None = None,
    own: dict[str, str] | None = None,
) -> Entry:
    settings = from_properties({**NODE, **(file or {})})
    settings.apply_dynamic(cluster or {}, own or {})
    return {entry.name: entry for entry in describe.broker_entries(settings.layers, settings.values)}[name]


def topic(name: str, file: dict[str, str], overrides: dict[str, str]) -> Entry:
    settings = from_properties({**NODE, **file})
    values = topic_values(settings.topic_values, overrides)
    return {entry.name: entry for entry in describe.topic_entries(settings.layers, values, overrides)}[name]


def test_a_retention_time_has_a_chain_of_seven_places() -> None:
    entry = broker(
        "log.retention.ms",
        {"log.retention.minutes": "30", "log.retention.hours": "24"},
        {"log.retention.ms": "5000"},
        {"log.retention.ms": "6000"},
    )
    assert (entry.value, entry.source, entry.read_only) == ("6000", Source.DYNAMIC_BROKER, False)
    assert entry.synonyms == (
        Synonym("log.retention.ms", "6000", Source.DYNAMIC_BROKER),
        Synonym("log.retention.ms", "5000", Source.DYNAMIC_DEFAULT_BROKER),
        Synonym("log.retention.minutes", "30", Source.STATIC_BROKER),
        Synonym("log.retention.hours", "24", Source.STATIC_BROKER),
        Synonym("log.retention.hours", "168", Source.DEFAULT),
    )


def test_what_only_a_weaker_name_says_is_not_this_configs_doing() -> None:
    entry = broker("log.retention.ms", {"log.retention.hours": "24"})
    assert (entry.value, entry.source, entry.synonyms) == (None, Source.DEFAULT, ())
    assert topic("retention.ms", {"log.retention.hours": "24"}, {}).value == "86400000"


def test_a_topic_takes_the_brokers_setting_until_it_has_its_own() -> None:
    file = {"log.cleanup.policy": "compact , delete"}
    assert topic("cleanup.policy", file, {}).synonyms == (
        Synonym("log.cleanup.policy", "compact , delete", Source.STATIC_BROKER),
        Synonym("log.cleanup.policy", "delete", Source.DEFAULT),
    )
    own = topic("cleanup.policy", file, {"cleanup.policy": "compact"})
    assert (own.value, own.source) == ("compact", Source.TOPIC)


def test_secrets_and_strangers_have_no_value() -> None:
    stranger = broker("foo.bar", {"foo.bar": "maybe secret"})
    assert (stranger.value, stranger.sensitive, stranger.kind) == (None, True, Kind.UNKNOWN)
    assert stranger.synonyms == (Synonym("foo.bar", None, Source.STATIC_BROKER),)
    secret = broker("ssl.keystore.password")
    assert (secret.value, secret.sensitive, secret.kind) == (None, True, Kind.PASSWORD)


def test_a_listeners_own_setting_names_the_nodes_after_it() -> None:
    entry = broker(
        "listener.name.plaintext.max.connections", own={"listener.name.plaintext.max.connections": "10"}
    )
    assert (entry.value, entry.kind) == ("10", Kind.INT)
    assert [synonym.name for synonym in entry.synonyms] == [
        "listener.name.plaintext.max.connections",
        "max.connections",
    ]


def test_internal_and_own_settings_are_listed_once_they_are_set() -> None:
    settings = from_properties(NODE)
    listed = {entry.name for entry in describe.broker_entries(settings.layers, settings.values)}
    assert listed.isdisjoint(
        {"log.initial.task.delay.ms", "leader.replication.throttled.rate", "ottla.metrics.port"}
    )
    assert broker("ottla.metrics.port", {"ottla.metrics.port": "9"}).value == "9"


def test_the_default_of_all_brokers_lists_what_was_set_and_nothing_else() -> None:
    layers = Layers({}, {"compression.type": "zstd"}, {"num.partitions": "3"})
    assert [(entry.name, entry.source) for entry in describe.cluster_entries(layers)] == [
        ("compression.type", Source.DYNAMIC_DEFAULT_BROKER)
    ]


def test_a_created_topic_answers_hours_in_milliseconds() -> None:
    layers = Layers({}, {}, {"log.retention.hours": "2"})
    assert describe.created_topic_entry("retention.ms", layers, {}) == ("7200000", Source.STATIC_BROKER)
    assert describe.created_topic_entry("retention.ms", layers, {"retention.ms": "1"}) == ("1", Source.TOPIC)


def test_only_the_configs_asked_for_are_described() -> None:
    settings = from_properties(NODE)
    assert len(describe.broker_entries(settings.layers, settings.values, ["num.partitions", "no.such"])) == 1
    assert len(describe.broker_entries(settings.layers, settings.values, [])) == 340
