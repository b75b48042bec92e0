"""A node's settings: from a file to typed values, and what changes while it runs."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from ottla.broker.config.load import from_properties, load, load_text
from ottla.core.log.config import LogConfig
from ottla.core.model.settings.addresses import HostPort
from ottla.core.model.settings.kinds import InvalidSetting
from ottla.core.model.settings.listeners import Listener

NODE = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.quorum.voters": "1@localhost:9093",
    "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093",
    "controller.listener.names": "CONTROLLER",
    "log.dirs": "/a,/b",
}


def test_a_file_the_environment_and_overrides_beat_each_other(tmp_path: Path) -> None:
    file = tmp_path / "server.properties"
    file.write_text("".join(f"{key}={value}\n" for key, value in NODE.items()) + "num.partitions=2\n")
    environment = {"KAFKA_NUM_PARTITIONS": "3", "KAFKA_DEFAULT_REPLICATION_FACTOR": "2"}
    settings = load(str(file), environment, overrides={"num.partitions": "4"})
    assert (settings["num.partitions"], settings["default.replication.factor"]) == (4, 2)
    assert load(str(file), environment)["num.partitions"] == 3
    assert load(str(file))["num.partitions"] == 2


def test_a_node_knows_its_listeners_directories_and_quorum() -> None:
    settings = from_properties(NODE)
    assert settings.node_id == 1
    assert settings["broker.id"] == 1
    assert settings.log_dirs == ("/a", "/b")
    assert settings.metadata_log_dir == "/a"
    assert settings.listeners == (Listener("PLAINTEXT", "PLAINTEXT", "", 9092),)
    assert settings.controller_listeners == (Listener("CONTROLLER", "PLAINTEXT", "", 9093),)
    assert [one.id for one in settings.voters] == [1]
    assert settings.inter_broker_listener == "PLAINTEXT"


def test_relative_paths_are_counted_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = from_properties(
        {**NODE, "log.dirs": "a,./b,/c", "metadata.log.dir": "m", "cordoned.log.dirs": "a"}
    )
    assert settings.log_dirs == (f"{tmp_path}/a", f"{tmp_path}/b", "/c")
    assert settings.metadata_log_dir == f"{tmp_path}/m"
    assert settings.cordoned_log_dirs == (f"{tmp_path}/a",)
    assert settings["log.dirs"] == ("a", "./b", "/c")


def test_the_old_name_of_the_node_id_still_counts() -> None:
    properties = {**NODE, "broker.id": "7", "controller.quorum.voters": "7@localhost:9093"}
    del properties["node.id"]
    assert from_properties(properties).node_id == 7


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"node.id": None}, 'Missing required configuration "node.id"'),
        ({"broker.id": "2"}, "same value as `broker.id`"),
        ({"process.roles": "broker"}, "not built yet"),
        ({"process.roles": "broker,zoo"}, "String must be one of: broker, controller"),
        ({"controller.quorum.voters": None}, "controller.quorum.bootstrap.servers must contain"),
        ({"controller.quorum.voters": "2@localhost:9093"}, "the node id 1 must be included"),
        ({"controller.listener.names": "OTHER"}, "No security protocol defined for listener CONTROLLER"),
        (
            {"controller.listener.names": "OTHER", "listeners": "PLAINTEXT://:9092"},
            "controller.listener.names must contain at least one",
        ),
        ({"listeners": "CONTROLLER://:9093"}, "at least one broker advertised listener"),
        ({"inter.broker.listener.name": "OTHER"}, "not found in listener.security.protocol.map"),
        ({"inter.broker.listener.name": "SSL"}, "must be a listener name defined in advertised.listeners"),
        ({"advertised.listeners": "PLAINTEXT://0.0.0.0:9092"}, "nonroutable meta-address"),
        ({"advertised.listeners": "PLAINTEXT://a:1,SSL://a:2"}, "equal to or a subset of the ones defined"),
        ({"log.roll.ms": "0"}, "log.roll.ms must be greater than or equal to 1"),
        ({"num.partitions": "0", "log.segment.bytes": "1"}, "(?s)num.partitions: .*log.segment.bytes: "),
        ({"log.cleaner.dedupe.buffer.size": "1000"}, "at least 1MB per cleaner thread"),
        ({"queued.max.request.bytes": "5"}, "larger or equal to socket.request.max.bytes"),
        ({"max.connections.per.ip": "0"}, "can be set to zero only if"),
        (
            {"listener.name.plaintext.max.connections": "x"},
            "listener.name.plaintext.max.connections: Invalid value x for configuration max.connections",
        ),
        ({"cordoned.log.dirs": "/c"}, "Missing entries : /c"),
        ({"group.consumer.session.timeout.ms": "1"}, "greater than or equal to group.consumer.min.session"),
        ({"offsets.topic.compression.codec": "9"}, "Unknown compression type id: 9"),
    ],
)
def test_settings_that_do_not_fit_stop_the_start(change: dict[str, str | None], why: str) -> None:
    properties = {key: value for key, value in {**NODE, **change}.items() if value is not None}
    with pytest.raises(InvalidSetting, match=why):
        from_properties(properties)


@pytest.mark.parametrize(
    "change",
    [
        {"ssl.keystore.location": "/x"},
        {"listener.name.plaintext.ssl.keystore.location": "/x"},
        {"sasl.enabled.mechanisms": "PLAIN"},
        {"authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer"},
        {"super.users": "User:admin"},
        {"delegation.token.secret.key": "x"},
        {"remote.log.storage.system.enable": "true"},
        {"create.topic.policy.class.name": "a.B"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_key_of_security_or_tiering_stops_the_start_by_its_name(change: dict[str, str]) -> None:
    with pytest.raises(InvalidSetting, match="not built yet") as raised:
        from_properties({**NODE, **change})
    assert next(iter(change)) in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_a_listener_that_needs_tls_stops_the_start() -> None:
    with pytest.raises(InvalidSetting, match="listener SSL://:9094 speaks SSL"):
        from_properties({**NODE, "listeners": f"{NODE['listeners']},SSL://:9094"} | PROTOCOLS)


PROTOCOLS = {"listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SSL:SSL"}


def test_security_keys_at_their_defaults_are_fine() -> None:
    defaults = {"ssl.client.auth": "none", "security.inter.broker.protocol": "PLAINTEXT", "super.users": ""}
    assert from_properties({**NODE, **defaults}).node_id == 1


def test_one_line_for_each_sort_of_key_there_is_something_to_say_about() -> None:
    extra = {
        "num.io.threads": "4",
        "num.network.threads": "4",
        "initial.broker.registration.timeout.ms": "1",
        "log.retention.hour": "1",
        "zookeeper.connect": "z:2181",
        "com.example.plugin": "1",
    }
    assert from_properties({**NODE, **extra}).notices == (
        "ignored, nothing to tune here: num.io.threads, num.network.threads",
        "ignored until the part they belong to is built: initial.broker.registration.timeout.ms",
        "unknown key log.retention.hour: did you mean log.retention.hours?",
        "unknown key zookeeper.connect: of an older Kafka; the cluster keeps its metadata itself: "
        "set process.roles and controller.quorum.voters",
        "unknown key com.example.plugin",
    )
    assert from_properties(NODE).notices == ()


def test_a_topic_takes_the_strongest_setting_of_a_chain() -> None:
    assert from_properties(NODE).topic() == LogConfig()
    file = {"log.retention.hours": "1", "log.retention.minutes": "2", "log.roll.hours": "3"}
    config = from_properties({**NODE, **file}).topic()
    assert (config.retention_ms, config.segment_ms) == (120_000, 3 * 3_600_000)
    assert from_properties({**NODE, "log.retention.ms": "-7"}).topic().retention_ms == -1
    assert from_properties({**NODE, "log.flush.scheduler.interval.ms": "9"}).topic().flush_ms == 9


def test_a_topics_own_settings_beat_the_brokers() -> None:
    settings = from_properties({**NODE, "log.segment.bytes": "2097152", "ottla.record.validation": "deep"})
    config = settings.topic({"cleanup.policy": "compact", "max.message.bytes": "5", "future.setting": "x"})
    assert config.cleanup_policy == {"compact"}
    assert (config.max_message_bytes, config.segment_bytes, config.record_validation) == (5, 2097152, "deep")
    assert settings.topic({"internal.segment.bytes": "100"}).segment_bytes == 100


def test_dynamic_configs_take_effect_and_say_what_changed() -> None:
    settings = from_properties({**NODE, "log.retention.hours": "1"})
    seen: list[frozenset[str]] = []
    settings.on_change(seen.append)
    changed = settings.apply_dynamic(
        {"log.retention.ms": "5"}, {"log.retention.ms": "6", "max.connections": "9"}
    )
    assert changed == {"log.retention.ms", "log.retention.hours", "max.connections"}
    assert seen == [changed]
    assert settings["max.connections"] == 9
    assert settings.topic().retention_ms == 6
    assert settings.apply_dynamic({"log.retention.ms": "5"}, {}) == {"log.retention.ms", "max.connections"}
    assert settings.topic().retention_ms == 5
    settings.apply_dynamic({}, {})
    assert settings.topic().retention_ms == 3_600_000
    assert settings.apply_dynamic({}, {}) == frozenset()
    assert len(seen) == 3


def test_what_cannot_be_applied_is_left_out_with_a_line(caplog: pytest.LogCaptureFixture) -> None:
    settings = from_properties(NODE)
    with caplog.at_level(logging.ERROR, "ottla.config"):
        settings.apply_dynamic(
            {"compression.type": "zip", "cordoned.log.dirs": "/a", "max.connections": "5"},
            {"num.partitions": "9", "ssl.keystore.location": "/x"},
        )
    assert settings["max.connections"] == 5
    assert settings["num.partitions"] == 1
    assert len(caplog.messages) == 4


def test_dynamic_configs_that_do_not_fit_together_change_nothing(caplog: pytest.LogCaptureFixture) -> None:
    settings = from_properties(NODE)
    with caplog.at_level(logging.ERROR, "ottla.config"):
        assert settings.apply_dynamic({"log.roll.ms": "0", "max.connections": "5"}, {}) == frozenset()
    assert settings["max.connections"] == 2**31 - 1
    assert "log.roll.ms must be" in caplog.text


def test_a_listener_may_have_its_own_limit() -> None:
    settings = from_properties(
        {**NODE, "max.connections": "100", "listener.name.plaintext.max.connections": "10"}
    )
    assert settings.for_listener("PLAINTEXT", "max.connections") == 10
    assert settings.for_listener("CONTROLLER", "max.connections") == 100


def test_without_an_advertised_address_clients_are_told_the_one_they_used() -> None:
    advertisement = from_properties(NODE).advertisement
    assert advertisement.to_client("PLAINTEXT", HostPort("10.0.0.7", 19092)) == HostPort("10.0.0.7", 19092)
    assert advertisement.registered("box") == (Listener("PLAINTEXT", "PLAINTEXT", "box", 9092),)
    # The list of voters says where the controller is.
    assert advertisement.controllers("box") == (Listener("CONTROLLER", "PLAINTEXT", "localhost", 9093),)


def test_an_advertised_address_is_told_as_it_is() -> None:
    file = {"advertised.listeners": "PLAINTEXT://kafka.example:19092"}
    advertisement = from_properties({**NODE, **file}).advertisement
    assert advertisement.to_client("PLAINTEXT", HostPort("10.0.0.7", 9092)) == HostPort(
        "kafka.example", 19092
    )
    assert advertisement.to_client("OTHER", HostPort("10.0.0.7", 9092)) is None
    assert advertisement.registered("box") == (Listener("PLAINTEXT", "PLAINTEXT", "kafka.example", 19092),)


def test_the_automatic_address_can_be_turned_off() -> None:
    file = {"ottla.advertised.mode": "listeners", "listeners": "PLAINTEXT://h:1,CONTROLLER://:9093"}
    advertisement = from_properties({**NODE, **file}).advertisement
    assert advertisement.to_client("PLAINTEXT", HostPort("10.0.0.7", 2)) == HostPort("h", 1)


def test_a_port_that_the_system_chose_is_registered() -> None:
    file = {"listeners": "PLAINTEXT://127.0.0.1:0,CONTROLLER://:9093"}
    advertisement = from_properties({**NODE, **file}).advertisement
    assert advertisement.registered("box", {"PLAINTEXT": 4711})[0].port == 4711


def test_a_node_may_listen_everywhere_without_advertising() -> None:
    file = {"listeners": "PLAINTEXT://0.0.0.0:9092,CONTROLLER://:9093"}
    assert from_properties({**NODE, **file}).advertisement.registered("box")[0].host == "box"


def test_a_file_that_is_not_utf_8_is_read_as_java_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "server.properties"
    file.write_bytes(
        "".join(f"{key}={value}\n" for key, value in NODE.items()).encode() + b"broker.rack=caf\xe9"
    )
    assert load(str(file)).rack == "café"


def test_kafkas_sample_for_one_node_runs_as_it_is() -> None:
    settings = load_text(SAMPLE)
    assert settings.log_dirs == ("/tmp/kraft-combined-logs",)
    (notice,) = settings.notices
    assert notice.startswith("ignored, nothing to tune here: num.network.threads")


SAMPLE = """
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs=/tmp/kraft-combined-logs
num.partitions=1
num.recovery.threads.per.data.dir=2
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.retention.hours=168
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
"""
