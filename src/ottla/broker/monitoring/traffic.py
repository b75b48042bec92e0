"""Requests, topics' traffic and connections, under the names that dashboards for Kafka use.

Two families of names live in the field: that of the JMX exporter's sample for Kafka (counters end in `_total`; Strimzi
draws them) and that of Confluent's stacks (counters keep `persec`). Both are exported from the same numbers, so that
panels of either fill.
"""

from __future__ import annotations

from typing import Final

from ottla.broker.metrics import ApiMetrics, NodeMetrics, TopicMetrics
from ottla.broker.monitoring.exposition import QUANTILES, Labels, Page
from ottla.core.model.errors import ErrorCode
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.apis import API

TOPIC_COUNTERS: Final = (
    ("messages_in", "messagesin", "Records appended."),
    ("bytes_in", "bytesin", "Bytes of record batches appended."),
    ("bytes_out", "bytesout", "Bytes of record batches sent to consumers."),
    ("bytes_rejected", "bytesrejected", "Bytes of record batches refused."),
    ("produce_requests", "totalproducerequests", "Produce requests, counted once for each partition named."),
    ("fetch_requests", "totalfetchrequests", "Fetch requests, counted once for each partition named."),
    (
        "failed_produce_requests",
        "failedproducerequests",
        "Partitions of produce requests answered with an error.",
    ),
    ("failed_fetch_requests", "failedfetchrequests", "Partitions of fetch requests answered with an error."),
)


def topics(page: Page, metrics: NodeMetrics) -> None:
    """`kafka_server_brokertopicmetrics_*`: one series without labels for the node, one for each topic."""
    for field, stem, text in TOPIC_COUNTERS:
        total = getattr(metrics.deleted_topics, field) + sum(
            getattr(topic, field) for topic in metrics.topics.values()
        )
        for name in (f"{stem}_total", f"{stem}persec"):
            name = f"kafka_server_brokertopicmetrics_{name}"
            page.counter(name, total, text=text)
            for topic, counts in metrics.topics.items():
                page.counter(name, _count(counts, field), {"topic": topic})


def _count(counts: TopicMetrics, field: str) -> int:
    value: int = getattr(counts, field)
    return value


def requests(page: Page, metrics: NodeMetrics) -> None:
    """`kafka_network_requestmetrics_*`: counts by version, errors by code, times in milliseconds."""
    for key, counts in sorted(metrics.apis.items()):
        if counts.requests:
            _api(page, API[ApiKey(key)].name, counts)


def _api(page: Page, request: str, counts: ApiMetrics) -> None:
    stem = "kafka_network_requestmetrics"
    labels: Labels = {"request": request}
    for version, count in sorted(counts.versions.items()):
        versioned = {"request": request, "version": str(version)}
        page.counter(f"{stem}_requests_total", count, versioned, "Requests received.")
        page.counter(f"{stem}_requestspersec", count, versioned, "Requests received.")
    for code, count in sorted(counts.errors.items()):
        labelled = {"request": request, "error": ErrorCode(code).name}
        page.counter(f"{stem}_errors_total", count, labelled, "Answers that carry an error of their own.")
        page.counter(f"{stem}_errorspersec", count, labelled, "Answers that carry an error of their own.")
    text = "Milliseconds from taking a request up until its answer was handed to the socket."
    quantiles = {quantile: counts.quantile(quantile) / 1_000 for quantile in QUANTILES}
    page.summary(f"{stem}_totaltimems", quantiles, counts.requests, counts.total_micros / 1_000, labels, text)
    text = "Milliseconds that handlers worked, waiting left out."
    page.counter(f"{stem}_localtimems_sum", counts.local_micros / 1_000, labels, text)
    page.counter(f"{stem}_localtimems_count", counts.requests, labels)
    waited = max(0, counts.total_micros - counts.local_micros)
    text = "Milliseconds that answers waited for records, replicas or the disk."
    page.counter(f"{stem}_remotetimems_sum", waited / 1_000, labels, text)
    page.counter(f"{stem}_remotetimems_count", counts.requests, labels)
    page.counter(f"{stem}_requestbytes_sum", counts.request_bytes, labels, "Bytes of requests.")
    page.counter(f"{stem}_responsebytes_sum", counts.response_bytes, labels, "Bytes of answers.")


def connections(page: Page, metrics: NodeMetrics) -> None:
    """Connections by listener."""
    for name, counts in metrics.listeners.items():
        labels = {"listener": name}
        for family in ("socket_server_metrics", "socketservermetrics"):
            stem = f"kafka_server_{family}"
            page.gauge(f"{stem}_connection_count", counts.connections, labels, "Open connections.")
            page.counter(
                f"{stem}_connection_creation_total", counts.accepted, labels, "Connections accepted."
            )
            page.counter(f"{stem}_connection_close_total", counts.closed, labels, "Connections closed.")
        page.counter(
            "ottla_connections_refused_total",
            counts.refused,
            labels,
            "Connections closed because of their bytes or because there were too many.",
        )
        page.counter(
            "ottla_connections_idle_closed_total", counts.idle_closed, labels, "Connections closed as idle."
        )
