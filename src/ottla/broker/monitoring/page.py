"""The whole metrics page of a node."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ottla.broker.monitoring import cluster, coordinators, process, traffic
from ottla.broker.monitoring.exposition import Page

if TYPE_CHECKING:
    from ottla.broker.services import Services
    from ottla.core.raft.facts import Facts
    from ottla.world.doors import ProcessFacts


def metrics_page(
    services: Services, quorum: Facts, ask_process: Callable[[], ProcessFacts] | None = None
) -> str:
    """Prometheus text with everything the node counts, as of now."""
    page = Page()
    traffic.topics(page, services.metrics)
    traffic.requests(page, services.metrics)
    traffic.connections(page, services.metrics)
    cluster.replicas(page, services)
    cluster.logs(page, services)
    cluster.cleaner(page, services)
    coordinators.coordinators(page, services)
    cluster.controller(page, services, quorum)
    cluster.raft(page, quorum)
    if ask_process is not None:
        process.process(page, ask_process())
    process.python(page)
    return page.text()
