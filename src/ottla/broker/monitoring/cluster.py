"""Partitions, logs and the state of the controller, under the names that dashboards for Kafka use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ottla.broker.metrics import Durations
from ottla.broker.monitoring.exposition import QUANTILES, Page

if TYPE_CHECKING:
    from ottla.broker.partition import Partition
    from ottla.broker.services import Services
    from ottla.core.raft.facts import Facts

RUNNING: Final = 3
"""Kafka's number for the state of a broker that serves."""


def replicas(page: Page, services: Services) -> None:
    """`kafka_server_replicamanager_*`: what this broker holds and leads."""
    held = list(services.partitions)
    leading = [partition for partition in held if partition.leading]
    machines = [partition.machine for partition in leading]
    stem = "kafka_server_replicamanager"
    page.gauge(f"{stem}_partitioncount", len(held), text="Replicas on this broker.")
    page.gauge(f"{stem}_leadercount", len(leading), text="Partitions this broker leads.")
    short = sum(len(machine.isr) < len(machine.replicas) for machine in machines)
    page.gauge(f"{stem}_underreplicatedpartitions", short, text="Led partitions with replicas out of sync.")
    below = sum(not machine.enough_in_sync for machine in machines)
    page.gauge(f"{stem}_underminisrpartitioncount", below, text="Led partitions below min.insync.replicas.")
    at = sum(len(machine.isr) == machine.effective_min_insync for machine in machines)
    page.gauge(f"{stem}_atminisrpartitioncount", at, text="Led partitions at min.insync.replicas.")
    offline = sum(partition.log is None or not partition.log.directory.online for partition in held)
    page.gauge(f"{stem}_offlinereplicacount", offline, text="Replicas on directories that failed.")


def logs(page: Page, services: Services) -> None:
    """`kafka_log_*` and the kafka-exporter's view of topics, partition by partition."""
    for partition in services.partitions:
        _log(page, partition)
    for topic in services.image.topics_by_name.values():
        count = len(topic.partitions)
        page.gauge("kafka_topic_partitions", count, {"topic": topic.name}, "Partitions of the topic.")
    directories = services.store.directories
    offline = sum(not directory.online for directory in directories)
    page.gauge("kafka_log_logmanager_offlinelogdirectorycount", offline, text="Log directories that failed.")
    for directory in directories:
        labels = {"logdirectory": directory.path}
        text = "1 when the log directory failed."
        page.gauge("kafka_log_logmanager_logdirectoryoffline", int(not directory.online), labels, text)
    flushes = Durations()
    for directory in directories:
        flushes.add(directory.flush_times)
    quantiles = {quantile: flushes.quantile(quantile) / 1_000 for quantile in QUANTILES}
    text = "Milliseconds that making a log durable took."
    total = flushes.total_micros / 1_000
    page.summary("kafka_log_logflushstats_logflushrateandtimems", quantiles, flushes.count, total, {}, text)


def cleaner(page: Page, services: Services) -> None:
    """`kafka_log_logcleaner*`: how compaction gets on. Percentages are of the last round."""
    cleaner, now = services.store.cleaner, services.clock.now()
    last = cleaner.last_result
    used = 100 * last.map_utilization if last else 0
    recopied = 100 * last.bytes_written / last.bytes_read if last and last.bytes_read else 0
    stem = "kafka_log_logcleaner"
    text = "How full the last round's map of keys was."
    page.gauge(f"{stem}_max_buffer_utilization_percent", int(used), text=text)
    text = "Share of the bytes read that the last round wrote again."
    page.gauge(f"{stem}_cleaner_recopy_percent", int(recopied), text=text)
    page.gauge(f"{stem}_max_clean_time_secs", cleaner.last_ms // 1000, text="Length of the last round.")
    page.gauge(f"{stem}_deadthreadcount", cleaner.dead_tasks, text="Cleaners that ended unasked.")
    stem = "kafka_log_logcleanermanager"
    text = "Dirty share of the dirtiest log."
    page.gauge(f"{stem}_max_dirty_percent", int(100 * cleaner.max_dirty_ratio), text=text)
    text = "Milliseconds since logs were last looked at."
    page.gauge(f"{stem}_time_since_last_run_ms", now - cleaner.last_run, text=text)
    for directory in services.store.directories:
        labels = {"logdirectory": directory.path}
        given_up = [
            log
            for log in services.store.logs()
            if log.directory is directory and log.path in cleaner.uncleanable
        ]
        text = "Logs that are not cleaned any more until the next start."
        page.gauge(f"{stem}_uncleanable_partitions_count", len(given_up), labels, text)
        text = "Bytes of those logs."
        page.gauge(f"{stem}_uncleanable_bytes", sum(log.size for log in given_up), labels, text)


def _log(page: Page, partition: Partition) -> None:
    log = partition.log
    if log is None:
        return
    labels = {"topic": partition.topic, "partition": str(partition.index)}
    page.gauge("kafka_log_log_size", log.size, labels, "Bytes of the log's segments.")
    page.gauge("kafka_log_log_numlogsegments", len(log.segments), labels, "Segments of the log.")
    page.gauge("kafka_log_log_logstartoffset", log.start_offset, labels, "First offset that can be read.")
    page.gauge("kafka_log_log_logendoffset", log.end_offset, labels, "Offset of the next record.")
    page.gauge(
        "kafka_topic_partition_oldest_offset", log.start_offset, labels, "First offset that can be read."
    )
    if partition.leading:
        machine = partition.machine
        page.gauge("kafka_topic_partition_current_offset", machine.high_watermark, labels, "High watermark.")
        page.gauge("kafka_topic_partition_leader", partition.leader_id, labels, "Broker that leads.")
        page.gauge("kafka_topic_partition_replicas", len(machine.replicas), labels, "Replicas.")
        page.gauge("kafka_topic_partition_in_sync_replica", len(machine.isr), labels, "Replicas in sync.")
        short = int(len(machine.isr) < len(machine.replicas))
        page.gauge("kafka_topic_partition_under_replicated_partition", short, labels, "1 when replicas lag.")
        below = int(not machine.enough_in_sync)
        page.gauge("kafka_cluster_partition_underminisr", below, labels, "1 below min.insync.replicas.")
        at = int(len(machine.isr) == machine.effective_min_insync)
        page.gauge("kafka_cluster_partition_atminisr", at, labels, "1 at min.insync.replicas.")


def controller(page: Page, services: Services, quorum: Facts) -> None:
    """`kafka_controller_*`, from the committed metadata; the broker's own state beside it."""
    image = services.image
    partitions = [each for topic in image.topics_by_id.values() for each in topic.partitions.values()]
    stem = "kafka_controller_kafkacontroller"
    page.gauge(f"{stem}_activecontrollercount", int(quorum.leading), text="1 on the active controller.")
    page.gauge(f"{stem}_globaltopiccount", len(image.topics_by_id), text="Topics.")
    page.gauge(f"{stem}_globalpartitioncount", len(partitions), text="Partitions.")
    offline = sum(each.leader < 0 for each in partitions)
    page.gauge(f"{stem}_offlinepartitionscount", offline, text="Partitions without a leader.")
    displaced = sum(each.leader != each.preferred_leader for each in partitions)
    page.gauge(
        f"{stem}_preferredreplicaimbalancecount",
        displaced,
        text="Partitions led by another than the preferred.",
    )
    fenced = sum(broker.fenced for broker in image.brokers.values())
    page.gauge(f"{stem}_activebrokercount", len(image.brokers) - fenced, text="Brokers that serve.")
    page.gauge(f"{stem}_fencedbrokercount", fenced, text="Brokers registered but fenced.")
    page.gauge("kafka_server_kafkaserver_brokerstate", RUNNING, text="3 while the broker serves.")
    page.gauge("kafka_brokers", len(image.brokers), text="Brokers registered.")
    for broker in image.brokers.values():
        endpoint = next(iter(broker.endpoints.values()), None)
        if endpoint is not None:
            labels = {"id": str(broker.id), "address": f"{endpoint.host}:{endpoint.port}"}
            page.gauge("kafka_broker_info", 1, labels, "A registered broker and where it is reached.")


def raft(page: Page, quorum: Facts) -> None:
    """The metadata quorum, under both spellings in use."""
    state = "leader" if quorum.leading else "follower"
    for stem in ("kafka_server_raftmetrics", "kafka_server_raft_metrics"):
        page.gauge(
            f"{stem}_current_leader", quorum.leader_id, text="Leader of the metadata quorum; -1: unknown."
        )
        page.gauge(f"{stem}_current_epoch", quorum.epoch, text="Epoch of the metadata quorum.")
        page.gauge(f"{stem}_high_watermark", quorum.high_watermark, text="Committed end of the metadata log.")
        page.gauge(f"{stem}_log_end_offset", quorum.end_offset, text="End of the metadata log.")
        page.gauge(f"{stem}_log_end_epoch", quorum.epoch, text="Epoch at the end of the metadata log.")
        page.gauge(f"{stem}_current_state", 1, {"state": state}, "The node's part in the quorum.")
        page.gauge(f"{stem}_number_of_voters", len(quorum.voters.voters), text="Voters of the quorum.")
