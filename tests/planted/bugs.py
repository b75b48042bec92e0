"""Bugs that a broker must not have, each as the edit that would plant it, and the tests that have to find it.

An edit is text: `was` stands exactly once in `file`, and `becomes` takes its place. When a file has changed so that `was`
is not there any more, the bug is planted anew in the new text; it is not dropped.
"""

from __future__ import annotations

from typing import NamedTuple


class Bug(NamedTuple):
    """`file` is relative to `src/ottla`; `tests`, relative to `tests`, are the smallest set that should notice."""

    name: str
    file: str
    was: str
    becomes: str
    tests: tuple[str, ...]


BUGS = [
    # -- the wire
    Bug(
        "a frame that is longer than allowed is received all the same",
        "core/wire/frames.py",
        "if not 0 <= size <= self.max_bytes:",
        "if not 0 <= size:",
        ("unit/wire/test_frames.py",),
    ),
    Bug(
        "bytes of a frame under way are not moved with it",
        "core/wire/frames.py",
        "            self._buffer[:pending] = self._buffer[self._start : self._end]\n",
        "",
        ("unit/wire/test_frames.py",),
    ),
    # -- records
    Bug(
        "the CRC is taken from one byte too far",
        "core/records/batch.py",
        "ATTRIBUTES_POSITION: Final = 21",
        "ATTRIBUTES_POSITION: Final = 22",
        ("unit/records/test_batch.py",),
    ),
    Bug(
        "sequences wrap one too early",
        "core/records/batch.py",
        "return (sequence + by) & MAX_SEQUENCE",
        "return (sequence + by) % MAX_SEQUENCE",
        ("unit/records/test_batch.py", "unit/log/test_producers.py"),
    ),
    Bug(
        "a client may write control batches",
        "core/records/validation.py",
        '    if header.is_control:\n        raise invalid(f"Clients',
        '    if header.is_control and header.producer_id < -1:\n        raise invalid(f"Clients',
        ("unit/records/test_validation.py",),
    ),
    Bug(
        "a batch whose CRC does not match is let in",
        "core/records/validation.py",
        "    check_crc(batch, header)\n    check_client_contract",
        "    check_client_contract",
        ("unit/records/test_validation.py",),
    ),
    Bug(
        "what a gzip stream unpacks to has no limit",
        "core/records/compression.py",
        "def _gunzip(data: bytes | memoryview, limit: int) -> bytes:\n",
        "def _gunzip(data: bytes | memoryview, limit: int) -> bytes:\n    limit = 1 << 40\n",
        ("unit/records/test_compression.py",),
    ),
    # -- one log as arithmetic
    Bug(
        "the offset index answers with the entry behind",
        "core/log/index.py",
        "    return low - 1\n",
        "    return low if low < count else low - 1\n",
        ("unit/storage/test_log.py", "properties/test_log_model.py"),
    ),
    Bug(
        "a retry is appended a second time",
        "core/log/producer.py",
        "if batch.last_sequence == last_sequence and batch.first_sequence == first_sequence:",
        "if batch.last_sequence == last_sequence and batch.first_sequence == last_sequence + 1:",
        ("unit/log/test_producers.py",),
    ),
    Bug(
        "a producer that was fenced may write on",
        "core/log/producers.py",
        "        elif epoch < state.epoch:\n            raise self._fenced(state, epoch)\n        elif first_sequence",
        "        elif first_sequence",
        ("unit/log/test_producers.py",),
    ),
    Bug(
        "only the last four batches of a producer are known",
        "core/log/producer.py",
        "BATCHES_KEPT: Final = 5",
        "BATCHES_KEPT: Final = 4",
        ("unit/log/test_producers.py",),
    ),
    Bug(
        "an epoch is forgotten when the log is cut",
        "core/log/epochs.py",
        "        keep = bisect_left(self._starts, end)",
        "        keep = bisect_left(self._starts, end) - 1",
        ("unit/log/test_epochs.py",),
    ),
    Bug(
        "retention by time takes segments a little too young",
        "core/log/plans.py",
        "wall - largest_timestamp(slot) > config.retention_ms",
        "wall - largest_timestamp(slot) >= config.retention_ms - 1",
        ("unit/log/test_plans.py",),
    ),
    Bug(
        "retention takes what is not committed",
        "core/log/plans.py",
        "return high_watermark >= (end_offset if last else segments[slot + 1].base_offset)",
        "return end_offset >= (end_offset if last else segments[slot + 1].base_offset)",
        ("unit/log/test_plans.py",),
    ),
    Bug(
        "compaction loses the newest value of a key",
        "core/log/compaction.py",
        "if cleaning.offsets.get(plain[span.key_position : span.key_position + span.key_size]) > offset:",
        "if cleaning.offsets.get(plain[span.key_position : span.key_position + span.key_size]) >= offset:",
        ("unit/log/test_compaction.py",),
    ),
    Bug(
        "compaction drops tombstones before their time",
        "core/log/compaction.py",
        "return span.value_size >= 0 or horizon is None or cleaning.wall < horizon",
        "return span.value_size >= 0 or horizon is None",
        ("unit/log/test_compaction.py",),
    ),
    # -- one partition, the quorum, the controller
    Bug(
        "acknowledged before it is on disk, where a flush was asked for",
        "core/partition/leader.py",
        "        elif self._flush_to < 0:\n",
        "        if self._flush_to < event.end_offset + 1:\n",
        ("unit/partition/test_leader.py",),
    ),
    Bug(
        "the high watermark passes a follower in sync",
        "core/partition/leader.py",
        "committed = min([committed, *held])",
        "committed = max([self.high_watermark, *held])",
        ("unit/partition/test_leader.py",),
    ),
    Bug(
        "acks=all is taken with too few replicas in sync",
        "core/partition/leader.py",
        "if acks == -1 and not self.enough_in_sync:",
        "if acks == 1 and not self.enough_in_sync:",
        ("unit/partition/test_leader.py",),
    ),
    Bug(
        "a fetch session never forgets a partition",
        "core/partition/fetch_sessions.py",
        "            if self.partitions.pop(key, None) is not None",
        "            if self.partitions.get(key, None) is not None",
        ("unit/partition/test_fetch_sessions.py",),
    ),
    Bug(
        "the vote is given before it is durable",
        "core/raft/machine.py",
        "                return [Persist(self.election)]\n        return []",
        "                return self._lead()\n        return []",
        ("unit/raft", "scenarios/test_raft.py"),
    ),
    Bug(
        "the first record of an epoch is committed before its own flush",
        "core/raft/machine.py",
        "offset <= max(self._epoch_start, self.high_watermark)",
        "offset < max(self._epoch_start, self.high_watermark)",
        ("unit/raft", "scenarios/test_raft.py"),
    ),
    # -- the disk
    Bug(
        "a torn append stays in the file",
        "broker/storage/appending.py",
        "        _undo_write(log, segment, position)\n",
        "",
        ("unit/storage/test_faults.py", "unit/storage/test_log.py"),
    ),
    Bug(
        "a failed sync is tried again as if nothing had happened",
        "broker/storage/flushing.py",
        '        log.directory.fail(f"syncing {log.name}", error)\n',
        "",
        ("unit/storage/test_faults.py",),
    ),
    Bug(
        "the recovery point runs ahead of the sync",
        "broker/storage/flushing.py",
        "    log.recovery_point = max(log.recovery_point, min(end, log.end_offset))",
        "    log.recovery_point = log.end_offset + 1",
        ("unit/storage/test_log.py", "properties/test_log_model.py"),
    ),
    Bug(
        "the tail after the last good batch is kept by recovery",
        "core/log/scan.py",
        "crc_matches(",
        "(lambda *_: True)(",
        ("properties/test_log_model.py", "unit/storage"),
    ),
    Bug(
        "a search by time begins behind the record",
        "broker/storage/lookups.py",
        "        start = max(segment.time_index.offset(timestamp), log.start_offset)",
        "        start = max(segment.time_index.offset(timestamp + 1), log.start_offset)",
        ("unit/storage/test_log.py", "properties/test_log_model.py"),
    ),
    Bug(
        "a fetch reads beyond the high watermark",
        "broker/storage/reading.py",
        "limit = end_offset if limit_offset is None or limit_offset > end_offset else limit_offset",
        "limit = end_offset",
        ("unit/storage/test_log.py", "properties/test_log_model.py"),
    ),
    Bug(
        "deleted records come back with the next start",
        "broker/storage/loading.py",
        "        start_offset=max(start_offset, bases[0] if bases else start_offset),",
        "        start_offset=bases[0] if bases else start_offset,",
        ("unit/storage/test_log.py", "properties/test_log_model.py"),
    ),
    # -- connections
    Bug(
        "a request overtakes the one before it on its connection",
        "broker/session.py",
        "        if self._pending is None and not self._scheduled and not self._connection.unsent:\n            self._run()\n        self._consider",
        "        self._run()\n        self._consider",
        ("unit/broker/test_connections.py",),
    ),
    # -- coordinators
    Bug(
        "an offset of an aborted transaction counts",
        "core/groups/offsets/table.py",
        "if committed and (known is None or known.written < pending.written):",
        "if known is None or known.written < pending.written:",
        ("unit/groups/test_offsets.py",),
    ),
    Bug(
        "a member that was fenced may commit on",
        "core/groups/classic/group.py",
        "            if known != member_id:\n                raise KafkaError(ErrorCode.FENCED_INSTANCE_ID)\n",
        "",
        ("unit/groups/test_classic.py",),
    ),
    Bug(
        "a commit of an older generation is taken",
        "core/groups/classic/group.py",
        "            if commit.epoch != self.generation:",
        "            if commit.epoch > self.generation:",
        ("unit/groups/test_offsets.py",),
    ),
    Bug(
        "the end of a transaction keeps the epoch of its producer",
        "core/transactions/transaction.py",
        "        if client_version >= EPOCH_BUMP and epoch < MAX_EPOCH:\n            epoch += 1\n",
        "",
        ("unit/transactions",),
    ),
    Bug(
        "a transaction is complete when the first partition has its marker",
        "core/transactions/ending.py",
        "    if left:\n        state.timers.set(",
        "    if left and not done:\n        state.timers.set(",
        ("unit/transactions",),
    ),
    # -- share groups
    Bug(
        "a leader of before may still write what was delivered",
        "core/share_state/coordinator.py",
        "if asked.leader_epoch != -1 and asked.leader_epoch < known.newest_leader:",
        "if asked.leader_epoch != -1 and asked.leader_epoch < known.state.leader_epoch - 1:",
        ("unit/share_state/test_coordinator.py",),
    ),
    Bug(
        "what lies behind in delivery replaces what is further on",
        "core/share_state/combining.py",
        "heapq.heappush(under_way, (-count, -state, last))",
        "heapq.heappush(under_way, (count, -state, last))",
        ("unit/share_state/test_combining.py",),
    ),
    Bug(
        "the log of share states is cut at the newest snapshot of all",
        "core/share_state/table.py",
        "return min(self._offsets.values(), default=self._highest)",
        "return max(self._offsets.values(), default=self._highest)",
        ("unit/share_state/test_coordinator.py",),
    ),
    Bug(
        "a share partition is assigned before it has state",
        "core/groups/share/heartbeat.py",
        "for topic_id, share in group.state_partitions.initialized.items():\n        topic",
        "for topic_id, share in group.state_partitions.initializing.items():\n        topic",
        ("unit/groups/share/test_members.py",),
    ),
    Bug(
        "a share group goes while what it stored stays",
        "core/groups/share/offsets.py",
        "    error = next((each for each in answer.values() if each), None)\n    if error is None and not",
        "    error = None\n    if error is None and not",
        ("unit/groups/share/test_offsets.py",),
    ),
    Bug(
        "a share partition has more members than its share",
        "core/groups/share/assignor.py",
        "if len(dealt[member]) < wanted[member] and count[place] < sharing:",
        "if len(dealt[member]) <= wanted[member] and count[place] < sharing:",
        ("unit/groups/share/test_assignor.py", "unit/groups/share/test_members.py"),
    ),
    # -- shared records
    Bug(
        "an acknowledgement counts before it is kept",
        "core/partition/sharing/in_flight.py",
        "run.next = ARCHIVED if state is AVAILABLE and run.deliveries >= deliveries_max else state\n",
        "run.next = run.state = ARCHIVED if state is AVAILABLE and run.deliveries >= deliveries_max else state\n",
        ("unit/sharing/test_share_partition.py",),
    ),
    Bug(
        "anybody may acknowledge what somebody else holds",
        "core/partition/sharing/acknowledging.py",
        "    if run.is_held and run.member == member:\n        return\n",
        "    if run.is_held:\n        return\n",
        ("unit/sharing/test_share_partition.py", "properties/test_share_partition.py"),
    ),
    Bug(
        "a record whose change is under way is delivered when its lock ends",
        "core/partition/sharing/in_flight.py",
        "return self.state is ACQUIRED and self.next is None",
        "return self.state is ACQUIRED",
        ("unit/sharing/test_share_partition.py", "properties/test_share_partition.py"),
    ),
    Bug(
        "a renewed lock ends when it would have ended",
        "core/partition/sharing/share_partition.py",
        "        run.lock_until = now + self.limits.lock_ms\n",
        "",
        ("unit/sharing/test_share_partition.py",),
    ),
    Bug(
        "what a refused acknowledgement had proposed stays",
        "core/partition/sharing/share_partition.py",
        "            for run in proposed:\n                self._flight.withdraw(run)\n            raise\n",
        "            raise\n",
        ("unit/sharing/test_share_partition.py", "properties/test_share_partition.py"),
    ),
    Bug(
        "a batch that keeps failing is delivered whole for ever",
        "core/partition/sharing/acquiring.py",
        "            if count < portion:\n                last = min(last, first + portion - count - 1)\n",
        "",
        ("unit/sharing/test_share_partition.py",),
    ),
    Bug(
        "record_limit takes the whole batch of what was let go",
        "core/partition/sharing/acquiring.py",
        "                last = min(last, first + self._count - count - 1)\n",
        "                last = max(last, first)\n",
        ("unit/sharing/test_share_partition.py", "properties/test_share_partition.py"),
    ),
    Bug(
        "what a change is about is dropped with the start of the log, and counts all the same",
        "core/partition/sharing/in_flight.py",
        "                        run.next = None  # whoever waits for it finds nothing to do\n",
        "",
        ("unit/sharing/test_share_partition.py", "properties/test_share_partition.py"),
    ),
    Bug(
        "a younger state may overtake an older one on the way to its coordinator",
        "broker/sharing/shared.py",
        "        if not self._writing:\n            self._writing = True\n",
        "        if self._waiting:\n            self._writing = True\n",
        ("unit/sharing/test_share_fetch.py",),
    ),
    Bug(
        "who disconnects keeps what it holds",
        "broker/sharing/sharing.py",
        "                shared.release(member)\n",
        "                shared.wake()\n",
        ("unit/sharing/test_share_fetch.py",),
    ),
    Bug(
        "who takes a partition out of its session keeps what it holds there",
        "broker/sharing/sharing.py",
        "        for topic_id, index in session.held:\n",
        "        for topic_id, index in session.partitions:\n",
        ("unit/sharing/test_share_fetch.py",),
    ),
    Bug(
        "the start passes what could still come back",
        "core/partition/sharing/in_flight.py",
        "and is_terminal(batch.runs[done].state):",
        "and batch.runs[done].is_complete:",
        ("unit/sharing/test_share_partition.py",),
    ),
    Bug(
        "a lock ends long before its time",
        "core/partition/sharing/share_partition.py",
        "        lock_until = now + self.limits.lock_ms\n        acquiring",
        "        lock_until = now + self.limits.lock_ms // 8\n        acquiring",
        ("simulation/test_shares.py",),
    ),
    Bug(
        "an acknowledgement is answered before it is kept",
        "broker/sharing/shared.py",
        "        return self._keep(change)\n",
        "        self._keep(change)\n        return None\n",
        ("simulation/test_shares.py",),
    ),
]
