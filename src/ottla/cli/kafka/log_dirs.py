"""What `kafka-log-dirs.sh --describe` prints: two lines of words, and one of JSON."""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import msgspec

from ottla.cli.kafka.options import BOOTSTRAP, CONFIG, Ended, Option, Options
from ottla.cli.kafka.tools import on_cluster_of

if TYPE_CHECKING:
    from ottla.client.admin.log_dirs import LogDir
    from ottla.client.cluster import Cluster
    from ottla.core.model.errors import KafkaError

OPTIONS = Options(
    "This tool helps to query log directory usage on the specified brokers.",
    (
        BOOTSTRAP,
        CONFIG,
        Option("describe", None, "Describe log directories."),
        Option("topic-list", "Topic list", "Only these topics: t1,t2."),
        Option("broker-list", "Broker list", "Only these brokers: 1,2."),
    ),
)
JAVA_ERRORS = "org.apache.kafka.common.errors"


def run(words: list[str]) -> int:
    given = OPTIONS.parse(words)
    given.require("bootstrap-server", "describe")
    topics = listed(given.one("topic-list"))
    brokers = [number(each) for each in listed(given.one("broker-list"))]
    sys.stdout.write(on_cluster_of(given, lambda cluster: log_dirs_text(cluster, brokers, topics)))
    return 0


def number(text: str) -> int:
    """Raises Ended."""
    try:
        return int(text)
    except ValueError:
        raise Ended(1, f'For input string: "{text}"\n') from None


def listed(text: str | None) -> list[str]:
    return [each for each in (text or "").split(",") if each]


async def log_dirs_text(cluster: Cluster, brokers: Collection[int], topics: Collection[str]) -> str:
    """Of these brokers and topics; none: of all. Raises Ended for a missing broker, KafkaError, ClientError."""
    from ottla.client.admin.brokers import Brokers
    from ottla.client.admin.log_dirs import LogDirs

    present = [each.id for each in (await Brokers(cluster).describe_cluster()).brokers]
    missing = sorted(set(brokers) - set(present))
    if missing:
        raise Ended(
            1,
            f"ERROR: The given brokers do not exist from --broker-list: {commas(missing)}. "
            f"Current existent brokers: {commas(present)}\n",
        )
    asked = [each for each in present if not brokers or each in brokers]
    found = []
    for broker, dirs in (await LogDirs(cluster).describe_log_dirs(asked)).items():
        if isinstance(dirs, Exception):
            raise dirs
        found.append({"broker": broker, "logDirs": [dir_row(each, topics) for each in dirs]})
    data = msgspec.json.encode({"brokers": found, "version": 1}).decode()
    return (
        "Querying brokers for log directories information\n"
        f"Received log directory information from brokers {commas(asked)}\n{data}\n"
    )


def commas(numbers: Collection[int]) -> str:
    return ",".join(map(str, numbers))


def dir_row(directory: LogDir, topics: Collection[str]) -> dict[str, Any]:
    partitions = [
        {
            "partition": f"{each.topic}-{each.partition}",
            "offsetLag": each.lag,
            "size": each.size,
            "isFuture": each.is_future,
        }
        for each in directory.replicas
        if not topics or each.topic in topics
    ]
    error = java_error(directory.error) if directory.error is not None else None
    return {"partitions": partitions, "error": error, "logDir": directory.path}


def java_error(error: KafkaError) -> str:
    """The class that Kafka's own client has for an error: KAFKA_STORAGE_ERROR is its KafkaStorageException."""
    words = error.code.name.removesuffix("_ERROR").removesuffix("_FAILED").split("_")
    return f"{JAVA_ERRORS}.{''.join(each.capitalize() for each in words)}Exception"
