"""A running node's metrics, as a scraper sees them."""

from __future__ import annotations

import asyncio
import re
import urllib.request
from pathlib import Path

from ottla.broker.config.load import from_properties
from ottla.broker.node import Node
from ottla.cli.dev import dev_properties
from ottla.cli.storage import format_if_needed
from ottla.world.real import real_world
from ottla.world.real.process import process_facts

SAMPLE = re.compile(r'^[a-z_][a-z0-9_]*(\{([a-z_]+="[^"]*",?)+\})? (-?[0-9.e+-]+|NaN|\+Inf)$')
REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"
EXPECTED = (
    "kafka_server_brokertopicmetrics_messagesin_total",
    "kafka_server_brokertopicmetrics_bytesinpersec",
    "kafka_server_replicamanager_underreplicatedpartitions",
    "kafka_controller_kafkacontroller_activecontrollercount",
    "kafka_log_logmanager_offlinelogdirectorycount",
    "kafka_log_logcleaner_deadthreadcount",
    "kafka_log_logflushstats_logflushrateandtimems_count",
    "kafka_log_logcleanermanager_uncleanable_partitions_count",
    "kafka_server_raftmetrics_current_epoch",
    "kafka_server_kafkaserver_brokerstate",
    "kafka_server_group_coordinator_metrics_group_count",
    "kafka_server_group_coordinator_metrics_offset_commit_count",
    "kafka_server_transaction_coordinator_metrics_num_partitions",
    "kafka_server_share_coordinator_metrics_partition_load_time_max",
    "kafka_coordinator_group_groupmetadatamanager_numgroupsstable",
    "process_resident_memory_bytes",
)


async def scraped(directory: str) -> str:
    settings = from_properties(dev_properties(directory, 0, 0, 0))
    format_if_needed(settings)
    node = Node(settings, real_world(), ask_process=process_facts)
    await node.start()
    try:
        port = node.bound_addresses["METRICS"].port
        return await asyncio.to_thread(_get, f"http://127.0.0.1:{port}/metrics")
    finally:
        await node.stop()


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        text: str = answer.read().decode()
        return text


def test_a_scrape_of_a_running_node(tmp_path: Path) -> None:
    page = asyncio.run(scraped(str(tmp_path)))
    names = set()
    for line in page.splitlines():
        if not line.startswith("#"):
            assert SAMPLE.match(line), line
            names.add(line.split("{")[0].split(" ")[0])
    assert names.issuperset(EXPECTED), sorted(set(EXPECTED) - names)
    told = REFERENCE.read_text()
    families = {line.split()[2] for line in page.splitlines() if line.startswith("# TYPE")}
    assert not [name for name in sorted(families) if f"`{name}`" not in told], (
        "docs/reference/metrics.md lacks them"
    )
