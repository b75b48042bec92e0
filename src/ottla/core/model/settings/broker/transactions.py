"""Idempotent and transactional producers."""

from __future__ import annotations

from typing import Final

from ottla.core.model.settings.kinds import DAY, HOUR, MIB, MINUTE, SECOND
from ottla.core.model.settings.setting import (
    BOOLEAN,
    CLUSTER_WIDE,
    HIGH,
    INT,
    INTERNAL,
    LOW,
    SHORT,
    Setting,
    later,
    works,
)
from ottla.core.model.settings.valid import at_least

# fmt: off
TRANSACTIONS: Final[tuple[Setting, ...]] = (
    works("producer.id.expiration.ms", INT, DAY,
          "How long the sequence numbers of an idle producer are remembered.", at_least(1), LOW, CLUSTER_WIDE),
    works("producer.id.expiration.check.interval.ms", INT, 10 * MINUTE,
          "How often idle producers are looked for.", at_least(1), LOW, INTERNAL),
    works("transactional.id.expiration.ms", INT, 7 * DAY,
          "How long a transactional id without updates is remembered.", at_least(1), HIGH),
    works("transaction.max.timeout.ms", INT, 15 * MINUTE,
          "Longest transaction timeout a producer may ask for.", at_least(1), HIGH),
    works("transaction.state.log.min.isr", INT, 2,
          "`min.insync.replicas` of the transaction state topic.", at_least(1), HIGH),
    works("transaction.state.log.load.buffer.size", INT, 5 * MIB,
          "Bytes read at a time when the transaction state topic is loaded.", at_least(1), HIGH),
    works("transaction.state.log.replication.factor", SHORT, 3,
          "Replicas of the transaction state topic. It is not created until so many brokers are there.", at_least(1), HIGH),
    works("transaction.state.log.num.partitions", INT, 50,
          "Partitions of the transaction state topic. Not to be changed once it exists.", at_least(1), HIGH),
    works("transaction.state.log.segment.bytes", INT, 100 * MIB,
          "Segment size of the transaction state topic.", at_least(1), HIGH),
    works("transaction.partition.verification.enable", BOOLEAN, True,
          "Ask the coordinator whether a transaction is really under way before its first record is appended.", LOW, CLUSTER_WIDE),
    works("transaction.abort.timed.out.transaction.cleanup.interval.ms", INT, 10 * SECOND,
          "How often transactions that ran out of time are aborted.", at_least(1), LOW),
    works("transaction.remove.expired.transaction.cleanup.interval.ms", INT, HOUR,
          "How often expired transactional ids are removed.", at_least(1), LOW),
    later("transaction.two.phase.commit.enable", BOOLEAN, False,
          "Let producers take part in two-phase commits, with transactions that never time out.", LOW),
    works("add.partitions.to.txn.retry.backoff.max.ms", INT, 100,
          "Longest total pause while an earlier transaction of the same producer still completes.", at_least(0), HIGH),
    works("add.partitions.to.txn.retry.backoff.ms", INT, 20,
          "Pause before a partition is added to a transaction again while an earlier one still completes.", at_least(1), HIGH),
)
