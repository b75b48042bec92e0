"""How settings are written, and how a client comes by its cluster."""

from __future__ import annotations

import logging

import pytest

from ottla.client.cluster import Cluster
from ottla.client.opening import Lease, NotOpen
from ottla.client.producing.producer import Producer
from ottla.client.properties import settings_from
from ottla.client.settings import AdminSettings, ConsumerSettings, ProducerSettings, SettingRefused
from ottla.world.doors import Address
from tests.unit.client.scripted import ScriptedWorld


def test_keywords_and_properties_mean_the_same_and_keywords_win() -> None:
    properties = {"linger.ms": "20", "acks": 1, "bootstrap.servers": "one:1"}
    found = settings_from(
        ProducerSettings, properties, {"acks": "all", "bootstrap_servers": ["two:2", "three"]}
    )
    assert (found.linger_ms, found.acks) == (20, -1)
    assert found.bootstrap_servers == (Address("two", 2), Address("three", 9092))
    assert settings_from(ProducerSettings, None, {"linger_ms": 20}).linger_ms == 20
    strategies = settings_from(ConsumerSettings, {"partition.assignment.strategy": "range, sticky"})
    assert strategies.partition_assignment_strategy == ("range", "sticky")


def test_what_means_nothing_to_a_kind_of_client_is_told_and_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, "ottla.client"):
        assert settings_from(AdminSettings, {"linger.ms": "5", "send.buffer.bytes": "9"}) == AdminSettings()
    assert [record.getMessage() for record in caplog.records] == [
        "the setting linger.ms=5 means nothing to an admin, it is left out",
        "the setting send.buffer.bytes=9 means nothing to an admin, it is left out",
    ]


@pytest.mark.parametrize(
    ("keywords", "message", "hint"),
    [
        ({"linger": 5}, "unknown setting 'linger' of a producer", "did you mean linger_ms?"),
        ({"group_id": "g"}, "unknown setting 'group_id'", ""),
        ({"enable_idempotence": True, "acks": 1}, "enable.idempotence=true needs acks=all", "leave"),
        ({"transactional_id": "x", "acks": "1"}, "transactional.id needs an idempotent producer", "leave"),
        ({"delivery_timeout_ms": 10}, "delivery.timeout.ms=10 is less than", "30005"),
        ({"compression_type": "zstd", "compression_zstd_level": 40}, "is outside -131072..22", "within"),
    ],
)
def test_what_does_not_fit_says_what_does(keywords: dict[str, object], message: str, hint: str) -> None:
    with pytest.raises(SettingRefused, match=message) as raised:
        settings_from(ProducerSettings, None, keywords)
    assert hint in raised.value.hint


def test_without_idempotence_no_promise_is_made() -> None:
    assert settings_from(ProducerSettings, {}).idempotent
    for weaker in ({"acks": "1"}, {"retries": 0}, {"max_in_flight_requests_per_connection": 6}):
        assert not settings_from(ProducerSettings, None, weaker).idempotent


def test_a_lent_cluster_gives_its_settings_and_what_is_named_goes_on_top() -> None:
    base = ProducerSettings(client_id="shared", request_timeout_ms=7_000, linger_ms=9)
    cluster = Cluster(ScriptedWorld().doors, base)
    mine = Lease(ProducerSettings, cluster, {"acks": "1"}, {"request_timeout_ms": 8_000})
    assert (mine.settings.client_id, mine.settings.linger_ms) == ("shared", 9)
    assert (mine.settings.request_timeout_ms, mine.settings.acks) == (8_000, 1)
    assert mine.cluster is cluster
    assert Lease(ConsumerSettings, cluster).settings == ConsumerSettings(
        client_id="shared", request_timeout_ms=7_000
    )
    with pytest.raises(SettingRefused, match="already there"):
        Lease(ProducerSettings, cluster, None, {"bootstrap_servers": "x:1"})


def test_a_client_that_is_not_open_says_so() -> None:
    producer = Producer(bootstrap_servers="x:1")
    with pytest.raises(NotOpen) as raised:
        producer.cluster  # noqa: B018
    assert "async with" in raised.value.hint
