"""Who the node is: its roles, its ids, its place in the cluster."""

from __future__ import annotations

from typing import Final

from ottla.core.model.settings.kinds import LONG_MAX, MINUTE, SECOND
from ottla.core.model.settings.setting import (
    BOOLEAN,
    CLUSTER_WIDE,
    HIGH,
    INT,
    INTERNAL,
    LIST,
    LONG,
    LOW,
    REQUIRED,
    STRING,
    Setting,
    later,
    refused,
    unused,
    works,
)
from ottla.core.model.settings.valid import at_least, list_of

# fmt: off
NODE: Final[tuple[Setting, ...]] = (
    works("process.roles", LIST, None,
          "What this node is: `broker`, `controller`, or both in one process.", list_of("broker", "controller", empty=False), HIGH, REQUIRED),
    works("node.id", INT, None,
          "The number this node goes by in the cluster. No two nodes may share one.", at_least(0), HIGH, REQUIRED),
    works("broker.id", INT, -1,
          "The old name of `node.id`, kept for older files. When both are set they must agree.", HIGH),
    works("broker.rack", STRING, None,
          "Name of the rack or availability zone the node stands in. Replicas of a partition are spread over racks."),
    works("controller.listener.names", LIST, None,
          "Names of the listeners that controllers talk on. The first is the one this node uses to reach the controller.", list_of(empty=False), HIGH, REQUIRED),
    later("initial.broker.registration.timeout.ms", INT, MINUTE,
          "How long a starting broker keeps trying to register with the controller before it gives up and exits."),
    works("broker.heartbeat.interval.ms", INT, 2 * SECOND,
          "Time between two heartbeats from a broker to the controller."),
    works("broker.session.timeout.ms", INT, 9 * SECOND,
          "A broker that the controller has not heard from for this long is fenced: its partitions move to others."),
    unused("server.max.startup.time.ms", LONG, LONG_MAX,
           "Upper bound on the time a start may take before it counts as failed.", at_least(0), INTERNAL),
    unused("controlled.shutdown.enable", BOOLEAN, True,
           "On a stop, hand leadership to other brokers first, so that clients notice as little as possible. Always done here."),
    refused("config.providers", LIST, (),
            "Short names of the providers that replace `${name:path:key}` references inside values.", list_of(), LOW, CLUSTER_WIDE),
    unused("background.threads", INT, 10,
           "Number of threads for housekeeping such as retention and recovery checks.", at_least(1), HIGH, CLUSTER_WIDE),
    works("request.timeout.ms", INT, 30 * SECOND,
          "How long the node waits for the answer to a request it sent to another node.", HIGH),
    later("socket.connection.setup.timeout.ms", LONG, 10 * SECOND,
          "How long a connection to another node may take to open, at the first attempt. Grows with every failed attempt."),
    later("socket.connection.setup.timeout.max.ms", LONG, 30 * SECOND,
          "The longest that opening a connection to another node may take after repeated failures."),
    later("unstable.api.versions.enable", BOOLEAN, False,
          "Offer clients request versions that are not final yet. For development only.", HIGH, INTERNAL),
    later("unstable.feature.versions.enable", BOOLEAN, False,
          "Allow feature levels that are not final yet. For development only.", HIGH, INTERNAL),
)
