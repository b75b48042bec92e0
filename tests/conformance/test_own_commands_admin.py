"""`ottla topic`, `config`, `broker`, `quota` on whichever broker runs: they show, check, change, and refuse with a hint."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from ottla.client.blocking import Producer
from tests.conformance.broker import Broker
from tests.conformance.test_own_commands import run
from tests.waiting import until


def rows(broker: Broker, *args: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(broker, *args, "-o", "json").stdout)
    return found


def value(broker: Broker, topic: str, key: str) -> str:
    (row,) = rows(broker, "config", "get", "topic", topic, key)
    return str(row["value"])


def until_value(broker: Broker, topic: str, key: str, wanted: str) -> None:
    until(lambda: value(broker, topic, key) == wanted, f"{key} of {topic} to be {wanted}")


@pytest.fixture
def name(broker: Broker) -> str:
    made = broker.name()
    run(broker, "topic", "create", made, "-p", "2")
    return made


def test_configs_of_a_topic_are_changed_one_by_one(broker: Broker, name: str) -> None:
    before = value(broker, name, "retention.ms")
    run(broker, "config", "set", "topic", name, "retention.ms=86400000", "--dry-run")
    assert value(broker, name, "retention.ms") == before
    shown = run(broker, "config", "set", "topic", name, "retention.ms=86400000", "max.message.bytes=5000")
    assert before.encode() in shown.stdout
    run(broker, "topic", "alter", name, "--config", "cleanup.policy=compact")
    run(broker, "config", "set", "topic", name, "--append", "cleanup.policy=delete")
    assert value(broker, name, "cleanup.policy") == "compact,delete"
    run(broker, "config", "set", "topic", name, "--subtract", "cleanup.policy=compact")
    run(broker, "topic", "alter", name, "--delete-config", "max.message.bytes")
    assert {
        row["name"] for row in rows(broker, "config", "get", "topic", name) if row["source"] == "topic"
    } == {
        "retention.ms",
        "cleanup.policy",
    }
    table = run(broker, "config", "get", "topic", name).stdout.decode()
    assert "retention.ms" in table
    assert "segment.bytes" not in table
    assert "segment.bytes" in run(broker, "config", "get", "topic", name, "-a").stdout.decode()


def test_configs_that_cannot_be_are_refused_with_a_hint(broker: Broker, name: str) -> None:
    def refused(*args: str, code: int = 1) -> str:
        return run(broker, *args, code=code).stderr.decode()

    assert "did you mean retention.ms?" in refused("config", "set", "topic", name, "retentoin.ms=5")
    assert "INVALID_CONFIG" in refused("config", "set", "topic", name, "retention.ms=soon")
    assert "did you mean retention.ms?" in refused("config", "get", "topic", name, "retention.mss", code=3)
    for wrong in (("config", "get", "topic"), ("topic", "describe"), ("topic", "analyze")):
        said = refused(*wrong, name + "-x", code=3)
        assert "UNKNOWN_TOPIC_OR_PARTITION" in said
        assert f"did you mean {name}?" in said
    assert "has no broker 99" in refused("config", "get", "broker", "99", code=3)
    assert "with a restart" in refused("config", "set", "broker", "1", "node.id=5")
    assert "name the topic" in refused("config", "get", "topic", "", code=2)
    assert "is changed twice" in refused("config", "set", "topic", name, "a=1", "--unset", "a", code=2)
    assert "nothing to set" in refused("config", "set", "topic", name, code=2)
    assert "is no broker" in refused("config", "get", "broker", "one", code=2)


def test_configs_are_edited_as_a_text(
    broker: Broker, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(broker, "config", "set", "topic", name, "retention.ms=1000000", "max.message.bytes=5000")
    editor = tmp_path / "editor"
    editor.write_text(
        "#!/bin/sh\nsed -e 's/^retention.ms=.*/retention.ms=2000000/' -e '/^max.message.bytes=/d' "
        '-e \'s/^#segment.bytes=.*/segment.bytes=2097152/\' "$1" > "$1.new" && sleep 1 && cat "$1.new" > "$1"\n'
    )
    editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("VISUAL", str(editor))
    run(broker, "config", "edit", "topic", name, "-y")
    assert value(broker, name, "retention.ms") == "2000000"
    assert value(broker, name, "segment.bytes") == "2097152"
    assert value(broker, name, "max.message.bytes") == "1048588"


def test_what_a_brokers_level_sets_is_not_the_topics_own(broker: Broker, name: str, tmp_path: Path) -> None:
    """A text without it unsets nothing, and a refused text is not lost."""
    run(broker, "config", "set", "broker", "all", "log.cleaner.delete.retention.ms=3600000")
    try:
        until_value(broker, name, "delete.retention.ms", "3600000")
        text = tmp_path / "text"
        text.write_text("retention.ms=5000000\n")
        shown = run(broker, "config", "edit", "topic", name, "--file", str(text), "--dry-run")
        assert b"5000000" in shown.stdout
        assert b"delete" not in shown.stdout
        run(broker, "config", "edit", "topic", name, "--file", str(text), "-y")
        assert value(broker, name, "retention.ms") == "5000000"
        assert value(broker, name, "delete.retention.ms") == "3600000"
    finally:
        run(broker, "config", "set", "broker", "all", "--unset", "log.cleaner.delete.retention.ms")


def test_a_text_that_is_refused_is_kept(
    broker: Broker, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsleep 1; echo retention.ms=soon > "$1"\n')
    editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("VISUAL", str(editor))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    said = run(broker, "config", "edit", "topic", name, "-y", code=1).stderr.decode()
    kept = Path(said.split("--file ")[1].strip())
    assert kept.read_text() == "retention.ms=soon\n"


def test_one_topic_that_is_missing_does_not_keep_the_others_from_a_change(broker: Broker, name: str) -> None:
    missing = name + "-missing"
    done = run(broker, "topic", "alter", missing, name, "--config", "retention.ms=7000000", code=3)
    assert b"7000000" in done.stdout
    assert value(broker, name, "retention.ms") == "7000000"
    (row,) = rows(broker, "topic", "alter", name, "--delete-config", "retention.ms")
    assert (row["resource"], row["current"], row["change"]) == (f"topic {name}", "7000000", "delete")


def test_a_config_is_explained_beside_its_value(broker: Broker, name: str) -> None:
    run(broker, "config", "set", "topic", name, "max.message.bytes=7777")
    (row,) = rows(broker, "config", "explain", "max.message.bytes", "--for", f"topic:{name}")
    assert (row["value"], row["source"], row["default"]) == ("7777", "topic", "1048588")
    assert row["synonyms"][0] == {"name": "max.message.bytes", "value": "7777", "source": "topic"}
    wrong = run(broker, "config", "explain", "node.id", "--for", f"topic:{name}", code=3)
    assert b"no topic has a config 'node.id'" in wrong.stderr
    assert b"is not KIND:NAME" in run(broker, "config", "explain", "node.id", "--for", name, code=2).stderr


def test_loggers_of_a_broker(broker: Broker) -> None:
    loggers = rows(broker, "config", "get", "broker-logger", "1")
    assert {each["source"] for each in loggers} == {"broker logger"}
    one = [each for each in loggers if each["name"] != "root"][-1]
    try:
        run(broker, "config", "set", "broker-logger", "1", f"{one['name']}=DEBUG")
        (row,) = rows(broker, "config", "get", "broker-logger", "1", one["name"])
        assert row["value"] == "DEBUG"
    finally:
        run(broker, "config", "set", "broker-logger", "1", f"{one['name']}={one['value']}")
    assert b"is no broker" in run(broker, "config", "get", "broker-logger", "all", code=2).stderr


def test_configs_of_brokers_and_groups(broker: Broker) -> None:
    (row,) = rows(broker, "config", "get", "broker", "1", "log.cleaner.threads")
    assert row["value"] == "1"
    run(broker, "config", "set", "broker", "all", "log.cleaner.threads=2")
    try:
        (row,) = rows(broker, "config", "get", "broker", "1", "log.cleaner.threads")
        assert (row["value"], row["source"]) == ("2", "cluster (dynamic)")
    finally:
        run(broker, "config", "set", "broker", "all", "--unset", "log.cleaner.threads")
    group = broker.name()
    run(broker, "config", "set", "group", group, "consumer.session.timeout.ms=50000")
    (row,) = rows(broker, "config", "get", "group", group, "consumer.session.timeout.ms")
    assert (row["value"], row["source"]) == ("50000", "group")


def test_more_partitions_with_a_plan(broker: Broker, name: str) -> None:
    run(broker, "topic", "add-partitions", name, "-n", "2", "--dry-run")
    assert len(rows(broker, "topic", "describe", name)[0]["partitions"]) == 2
    (row,) = rows(broker, "topic", "add-partitions", name, "-n", "2", "-y")
    assert (row["partitions"], row["new"]) == (2, 4)
    assert len(rows(broker, "topic", "describe", name)[0]["partitions"]) == 4
    assert (
        b"INVALID_PARTITIONS"
        in run(broker, "topic", "add-partitions", name, "--total", "3", "-y", code=1).stderr
    )
    assert b"one of -n and --total" in run(broker, "topic", "add-partitions", name, code=2).stderr
    run(broker, "topic", "add-partitions", name + "-x", "-n", "1", "-y", code=3)


def test_the_oldest_records_are_trimmed_and_the_rest_is_analyzed(broker: Broker, name: str) -> None:
    with Producer(bootstrap_servers=broker.bootstrap, compression_type="zstd") as producer:
        producer.send_batch(name, [b"x" * 100] * 10, partition=0).result(30)
        producer.send(name, b"y" * 300, key=b"k", partition=1).result(30)
        producer.send(name, None, key=b"k", partition=1).result(30)
    planned = rows(broker, "topic", "trim", name, "--before", "-3", "--dry-run")
    assert [(each["start"], each["new_start"], each["records"]) for each in planned] == [(0, 7, 7), (0, 0, 0)]
    run(broker, "topic", "trim", name + ":0", "--before", "7", "-y")
    parts = rows(broker, "topic", "describe", name)[0]["partitions"]
    assert [each["start_offset"] for each in parts] == [7, 0]
    (found,) = rows(broker, "topic", "analyze", name)
    assert (found["records"], found["without_key"], found["distinct_keys"]) == (5, 3, 1)
    assert (found["tombstones"], found["bytes_of_records"]) == (1, 3 * 100 + 302)
    assert set(found["compression"]) == {"zstd"}
    assert found["compression_ratio"] > 1
    assert found["largest_records"][0] == {"partition": 1, "offset": 0, "bytes": 301}
    assert found["skew"] == 1.2
    assert [(each["records"], each["largest"]) for each in found["by_partition"]] == [(3, 100), (2, 301)]
    (last,) = rows(broker, "topic", "analyze", name, "--offset", "-1:end")
    assert last["records"] == 2
    assert "SHARE PERCENT" in run(broker, "topic", "analyze", name).stdout.decode()
    beyond = run(broker, "topic", "trim", name, "--before", "9", "-y", code=2).stderr.decode()
    assert f"{name}:1 ends at 2" in beyond
    assert (
        b"has no partition 9" in run(broker, "topic", "trim", name + ":9", "--before", "end", code=3).stderr
    )


def test_brokers_and_their_directories(broker: Broker, name: str) -> None:
    (one,) = rows(broker, "broker", "list")
    assert (one["broker"], one["state"], one["out_of_sync"]) == (1, "up", 0)
    assert one["leads"] >= 2
    (described,) = rows(broker, "broker", "describe", "1")
    assert {"node.id", "log.dirs"} <= {each["name"] for each in described["configs"]}
    assert b"there is no broker 9" in run(broker, "broker", "describe", "9", code=3).stderr
    with Producer(bootstrap_servers=broker.bootstrap) as producer:
        producer.send(name, b"x" * 1000, partition=0).result(30)
    directories = rows(broker, "broker", "logdirs", "--topic", name)
    assert sum(each["replicas"] for each in directories) == 2
    assert sum(each["size"] for each in directories) > 1000
    replicas = rows(broker, "broker", "logdirs", "1", "--topic", name, "--replicas")
    assert [(each["partition"], each["lag"]) for each in replicas] == [(0, 0), (1, 0)]
    assert described["log_dirs"][0]["path"] == directories[0]["path"]
    assert b"ottla broker list" in run(broker, "broker", "logdirs", "9", code=3).stderr
    assert f"did you mean {name}?" in (
        run(broker, "broker", "logdirs", "--topic", name + "x", code=3).stderr.decode()
    )


def test_quotas_are_set_shown_and_taken_away(broker: Broker) -> None:
    client = broker.name()
    run(broker, "quota", "alter", "--client-id", client, "--set", "producer_byte_rate=1000", "--dry-run")
    assert rows(broker, "quota", "describe", "--client-id", client) == []
    (planned,) = rows(broker, "quota", "alter", "--client-id", client, "--set", "producer_byte_rate=1000")
    assert planned == {"quota": "producer_byte_rate", "current": None, "new": 1000.0}
    run(
        broker,
        "quota",
        "alter",
        "--user",
        "<default>",
        "--client-id",
        client,
        "--set",
        "request_percentage=5.5",
    )
    assert rows(broker, "quota", "describe", "--client-id", client, "--strict") == [
        {"user": None, "client_id": client, "ip": None, "quota": "producer_byte_rate", "value": 1000.0}
    ]
    assert {
        (each["user"], each["quota"]) for each in rows(broker, "quota", "describe", "--client-id", client)
    } == {
        (None, "producer_byte_rate"),
        ("<default>", "request_percentage"),
    }
    run(broker, "quota", "alter", "--client-id", client, "--remove", "producer_byte_rate")
    run(
        broker,
        "quota",
        "alter",
        "--user",
        "<default>",
        "--client-id",
        client,
        "--remove",
        "request_percentage",
    )
    assert rows(broker, "quota", "describe", "--client-id", client) == []
    assert b"both set and removed" in (
        run(broker, "quota", "alter", "--user", "a", "--set", "x=1", "--remove", "x", code=2).stderr
    )
    assert b"did you mean producer_byte_rate?" in (
        run(broker, "quota", "alter", "--user", "a", "--set", "producer_byte_rte=1", code=1).stderr
    )
    assert b"no number" in run(broker, "quota", "alter", "--user", "a", "--set", "x=much", code=2).stderr
    assert b"whose quota" in run(broker, "quota", "alter", "--set", "x=1", code=2).stderr
    run(broker, "quota", "alter", "--user", "a", "--set", "no_such_quota=1", code=1)
