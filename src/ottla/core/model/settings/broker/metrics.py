"""What the node tells about itself, and what clients tell it."""

from __future__ import annotations

from typing import Final

from ottla.core.model.settings.kinds import MIB, SECOND
from ottla.core.model.settings.setting import (
    CLUSTER_WIDE,
    INT,
    LIST,
    LONG,
    LOW,
    STRING,
    Setting,
    unused,
    works,
)
from ottla.core.model.settings.valid import at_least, list_of

# fmt: off
METRICS: Final[tuple[Setting, ...]] = (
    unused("metrics.num.samples", INT, 2,
           "Samples kept to compute a rate or an average.", at_least(1), LOW),
    unused("metrics.sample.window.ms", LONG, 30 * SECOND,
           "Length of one sample.", at_least(1), LOW),
    unused("metric.reporters", LIST, ("org.apache.kafka.common.metrics.JmxReporter",),
           "Java classes that receive metrics. Metrics are served as Prometheus text here.", list_of(), LOW, CLUSTER_WIDE),
    unused("metrics.recording.level", STRING, "INFO",
           "Detail at which metrics are recorded: `INFO`, `DEBUG` or `TRACE`.", LOW),
    unused("kafka.metrics.reporters", LIST, (),
           "Java classes that receive the older kind of metrics.", list_of(), LOW),
    unused("kafka.metrics.polling.interval.secs", INT, 10,
           "How often those classes are called.", at_least(1), LOW),
    works("telemetry.max.bytes", INT, MIB,
          "Largest telemetry message a client may push, after compression.", at_least(1), LOW),
)
