"""The JSON of Kafka's tool for log directories."""

from __future__ import annotations

import pytest

from ottla.cli.kafka.log_dirs import dir_row, java_error
from ottla.client.admin.log_dirs import LogDir, ReplicaInDir
from ottla.core.model.errors import ErrorCode, KafkaError


def test_topics_that_nobody_asked_for_are_left_out() -> None:
    replicas = (ReplicaInDir("orders", 0, 120, 0, False), ReplicaInDir("audit", 1, 7, 3, True))
    directory = LogDir("/data", None, replicas, -1, -1, False)
    assert [each["partition"] for each in dir_row(directory, [])["partitions"]] == ["orders-0", "audit-1"]
    assert dir_row(directory, ["audit"]) == {
        "partitions": [{"partition": "audit-1", "offsetLag": 3, "size": 7, "isFuture": True}],
        "error": None,
        "logDir": "/data",
    }


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (ErrorCode.KAFKA_STORAGE_ERROR, "KafkaStorageException"),
        (ErrorCode.LOG_DIR_NOT_FOUND, "LogDirNotFoundException"),
        (ErrorCode.CLUSTER_AUTHORIZATION_FAILED, "ClusterAuthorizationException"),
    ],
)
def test_errors_go_by_the_names_of_kafkas_classes(code: ErrorCode, name: str) -> None:
    assert java_error(KafkaError(code)) == f"org.apache.kafka.common.errors.{name}"
