"""Partitioner, settings, backoff: what needs no world."""

from __future__ import annotations

import pytest

from ottla.client.producing.partitioner import StickyPartitioner, murmur2, partition_of_key
from ottla.client.properties import settings_from
from ottla.client.retry import backoff_ms
from ottla.client.settings import ConnectionSettings, ProducerSettings, SettingRefused
from ottla.world.doors import Address
from tests.unit.client.scripted import ScriptedChance


@pytest.mark.parametrize(
    ("key", "hashed"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_is_that_of_kafkas_clients(key: bytes, hashed: int) -> None:
    assert murmur2(key) == hashed & 0xFFFFFFFF


def test_keys_spread_and_stay() -> None:
    partitions = [partition_of_key(b"%d" % number, 8) for number in range(1000)]
    assert set(partitions) == set(range(8))
    assert partitions == [partition_of_key(b"%d" % number, 8) for number in range(1000)]


def test_sticky_stays_until_its_batch_is_full() -> None:
    sticky = StickyPartitioner(ScriptedChance())
    assert [sticky.choose([0, 1, 2]) for _ in range(3)] == [0, 0, 0]
    sticky.batch_full([0, 1, 2])
    assert sticky.choose([0, 1, 2]) == 1
    assert sticky.choose([0, 2]) == 0, "its partition has lost its leader"
    sticky.batch_full([0])
    assert sticky.choose([0]) == 0


def test_backoff_doubles_up_to_its_bound_within_its_jitter() -> None:
    settings = ConnectionSettings(retry_backoff_ms=100, retry_backoff_max_ms=1_000)
    waits = [backoff_ms(attempt, settings, ScriptedChance()) for attempt in (1, 2, 3, 4, 5, 100)]
    assert waits == [80, 160, 320, 640, 800, 800]


def test_settings_come_under_kafkas_names() -> None:
    settings = settings_from(
        ProducerSettings,
        {
            "bootstrap.servers": "one:1, [::1]:2 ,three",
            "acks": "all",
            "enable.idempotence": "false",
            "linger.ms": "0",
            "security.protocol": "PLAINTEXT",
            "compression.type": "zstd",
        },
    )
    assert settings.bootstrap_servers == (Address("one", 1), Address("::1", 2), Address("three", 9092))
    assert (settings.acks, settings.enable_idempotence, settings.linger_ms) == (-1, False, 0)
    assert settings.compression_type == "zstd"


@pytest.mark.parametrize(
    ("key", "value", "message", "hint"),
    [
        ("bootstrap.server", "x:1", "unknown setting", "did you mean bootstrap.servers?"),
        ("linger_ms", "1", "unknown setting", "did you mean linger.ms?"),
        ("sasl.mechanism", "PLAIN", "sasl.mechanism is not supported yet", "PLAINTEXT"),
        ("ssl.truststore.location", "x", "ssl.truststore.location is not supported yet", "PLAINTEXT"),
        ("security.protocol", "SASL_SSL", "security.protocol is not supported yet", "PLAINTEXT"),
        ("batch.size", "many", "is not a whole number", "digits"),
        ("request.timeout.ms", "0", "is outside 1..2147483647", "within"),
        ("acks", "2", "not one of 0, 1, all", "choose"),
        ("compression.type", "brotli", "not one of none, gzip", "choose"),
        ("enable.idempotence", "maybe", "neither true nor false", "true or false"),
        ("bootstrap.servers", "host:port", "is not HOST:PORT", "localhost:9092"),
        ("bootstrap.servers", " , ", "no bootstrap server", "HOST:PORT"),
    ],
)
def test_a_wrong_setting_says_what_is_right(key: str, value: str, message: str, hint: str) -> None:
    with pytest.raises(SettingRefused, match=message) as raised:
        settings_from(ProducerSettings, {key: value})
    assert hint in raised.value.hint
