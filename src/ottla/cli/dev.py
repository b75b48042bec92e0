"""`ottla dev`: a throw-away node, from nothing to a prompt in under a second."""

from __future__ import annotations

import errno
import os
import random
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

import ottla
from ottla.cli.explaining import node_problems
from ottla.cli.options import key_values, log_level_option
from ottla.cli.problems import Problem, note

LOOPBACK = "127.0.0.1"
KAFKA_PORT = 9092
STARTS = 5
"""How often ports are chosen, when somebody else takes one of them first."""
CONTROLLER_PORT = 9093
METRICS_PORT = 9644
PORTS_TRIED = 100
NODE_ID = 1
PREFIX = "ottla-dev-"


@click.command()
@click.option(
    "--data-dir", type=click.Path(file_okay=False), help="Keep the data here; formatted if it is empty."
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help=f"Kafka port, this one or none [default: {KAFKA_PORT} or the next free].",
)
@click.option(
    "--override",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set a key of server.properties; repeatable.",
)
@log_level_option(default="warning")
def dev(data_dir: str | None, port: int | None, overrides: tuple[str, ...], log_level: str) -> int:
    """Start a throw-away node with no configuration.

    It formats itself, listens on loopback only and prints where to connect and what to type next. Its data vanish
    on exit, unless --data-dir keeps them.
    """
    from ottla.cli.logs import set_up

    started = time.monotonic()
    set_up(log_level)
    for attempt in range(1, STARTS + 1):
        try:
            ports = chosen_ports(port, apart=attempt > 1)
            return start_dev(
                data_dir, ports, key_values(overrides, "--override"), started, asked=port is not None
            )
        except Problem as problem:
            if attempt == STARTS or not is_port_lost(problem):
                raise
    raise AssertionError("the last attempt returns or raises")


def is_port_lost(problem: Problem) -> bool:
    """Whether somebody else took a port between our look at it and our listening there."""
    return isinstance(problem.__cause__, OSError) and problem.__cause__.errno == errno.EADDRINUSE


def start_dev(
    data_dir: str | None,
    ports: tuple[int, int, int],
    overrides: dict[str, str],
    started: float,
    *,
    asked: bool,
) -> int:
    """Run a node at these ports, `asked` for or found, in a directory of its own. Raises Problem."""
    kafka, controller, metrics = ports
    with data_directory(data_dir) as directory:
        properties = dev_properties(directory, kafka, controller, metrics) | overrides

        def ready(node: Any) -> None:
            if kafka != KAFKA_PORT and not asked:
                note(f"port {KAFKA_PORT} is taken: using {kafka}")
            spent = round((time.monotonic() - started) * 1000)
            page = node.bound_addresses.get("METRICS")
            click.echo(
                banner(kafka, page and page.port, kept=directory if data_dir else None, ready_ms=spent)
            )

        def farewell() -> None:
            if not data_dir:
                shutil.rmtree(directory, ignore_errors=True)

        return run_dev(properties, ready, farewell)


def run_dev(properties: dict[str, str], ready: Callable[[Any], None], farewell: Callable[[], None]) -> int:
    """Format the data directory if need be, and run the node."""
    from ottla.broker.config.load import from_properties
    from ottla.cli.server import run_node
    from ottla.cli.storage import format_if_needed

    with node_problems():
        settings = from_properties(properties)
    format_if_needed(settings)
    return run_node(settings, ready, farewell)


@contextmanager
def data_directory(chosen: str | None) -> Iterator[str]:
    """The directory to keep data in: the chosen one, or a temporary one that is removed afterwards."""
    if chosen is not None:
        yield os.path.abspath(chosen)
        return
    from ottla.world.real.leftovers import remove_leftovers

    remove_leftovers(tempfile.gettempdir(), PREFIX, time.time())
    directory = tempfile.mkdtemp(prefix=PREFIX)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def chosen_ports(port: int | None, *, apart: bool = False) -> tuple[int, int, int]:
    """Ports for Kafka, the controller and the metrics: the usual ones, or the next that are free.

    `apart`: look from somewhere else on, because others look for ports as well. Raises Problem when the port asked
    for is taken.
    """
    ahead = random.randrange(PORTS_TRIED) if apart else 0
    taken: set[int] = set()
    if port is not None and not is_free(port):
        raise Problem(f"port {port} is taken", "leave --port out to take the next free one.")
    kafka = port or next_free(KAFKA_PORT + ahead, taken)
    taken.add(kafka)
    controller = next_free(CONTROLLER_PORT + ahead, taken)
    taken.add(controller)
    return kafka, controller, next_free(METRICS_PORT + ahead, taken)


def next_free(port: int, taken: set[int]) -> int:
    for candidate in range(port, port + PORTS_TRIED):
        if candidate not in taken and is_free(candidate):
            return candidate
    raise Problem(
        f"no free port in {port}..{port + PORTS_TRIED - 1}", "stop what listens there, or give --port."
    )


def is_free(port: int) -> bool:
    with socket.socket() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
        return True


def dev_properties(directory: str, kafka: int, controller: int, metrics: int) -> dict[str, str]:
    """A combined node on loopback, sized for a laptop."""
    return {
        "process.roles": "broker,controller",
        "node.id": str(NODE_ID),
        "listeners": f"PLAINTEXT://{LOOPBACK}:{kafka},CONTROLLER://{LOOPBACK}:{controller}",
        "advertised.listeners": f"PLAINTEXT://localhost:{kafka},CONTROLLER://localhost:{controller}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.quorum.bootstrap.servers": f"localhost:{controller}",
        "log.dirs": directory,
        "ottla.metrics.port": str(metrics),
        # As in Kafka's own sample for one node: coordinators that need no other.
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        # Whoever tries something out should not wait for members that do not come.
        "group.initial.rebalance.delay.ms": "0",
    }


def banner(kafka: int, metrics: int | None, *, kept: str | None, ready_ms: int) -> str:
    """The first screen: where to connect, and what to type next. `metrics` None: no page is served."""
    fate = f"data kept in {kept}" if kept else "data vanish on exit, --data-dir DIR keeps them"
    page = f"        metrics  http://localhost:{metrics}/metrics" if metrics else ""
    at = "" if kafka == KAFKA_PORT else f" -b localhost:{kafka}"
    return "\n".join(
        (
            f"ottla {ottla.__version__}  dev node  ({fate}; not for production)",
            f"  kafka    localhost:{kafka}{page}",
            f"try:  ottla topic create orders -p 3{at}",
            f"      echo hello | ottla produce orders{at}",
            f"      ottla consume orders -n 1{at}",
            f"      kcat -b localhost:{kafka} -L",
            f"ready in {ready_ms} ms; Ctrl-C stops it",
        )
    )
