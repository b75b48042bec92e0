"""Which cluster a command talks to, and how: `-b`, `-c`, `-X`, `--command-config`, the environment, and contexts.

What is said on the command line comes first: `-b`, then `-X`, then the file of `--command-config`, then the context named
by `-c`. Where none of them names a cluster, the environment does, then OTTLA_CONTEXT, then the context in use.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import click

from ottla.cli.explaining import client_problems
from ottla.cli.options import key_values, read_text
from ottla.cli.problems import USAGE, Problem, note

if TYPE_CHECKING:
    from ottla.client.cluster import Cluster
    from ottla.client.settings import AdminSettings, ConnectionSettings
    from ottla.world.doors import World

T = TypeVar("T")
S = TypeVar("S", bound="ConnectionSettings")
F = TypeVar("F", bound=Callable[..., Any])

LOCAL: Final = "localhost:9092"
ENVIRONMENT: Final = ("OTTLA_BOOTSTRAP_SERVERS", "KAFKA_BOOTSTRAP_SERVERS")
SERVERS: Final = "bootstrap.servers"


class Target(NamedTuple):
    """What a command line says about the cluster it means."""

    bootstrap: str | None = None
    context: str | None = None
    extra: tuple[str, ...] = ()
    config_file: str | None = None


def target_options(command: F) -> F:
    """`-b`, `-c`, `-X` and `--command-config`, which reach the command as one `target`."""

    @wraps(command)
    def with_target(
        bootstrap: str | None,
        context_name: str | None,
        extra: tuple[str, ...],
        config_file: str | None,
        **given: Any,
    ) -> Any:
        return command(target=Target(bootstrap, context_name, extra, config_file), **given)

    found: Any = with_target
    for option in (
        click.option(
            "--command-config", "config_file", metavar="FILE", help="Client properties (key=value lines)."
        ),
        click.option(
            "-X", "extra", multiple=True, metavar="KEY=VALUE", help="Set one client property; repeatable."
        ),
        click.option(
            "-c",
            "--context",
            "context_name",
            metavar="NAME",
            help="A cluster by the name that `ottla context add` gave it [OTTLA_CONTEXT].",
        ),
        click.option(
            "-b",
            "--bootstrap-server",
            "bootstrap",
            metavar="HOST:PORT,...",
            help=f"Where to find the cluster [{' or '.join(ENVIRONMENT)}; default: {LOCAL}].",
        ),
    ):
        found = option(found)
    return found  # type: ignore[no-any-return]


def client_settings(target: Target, kind: type[S], defaults: dict[str, str] | None = None) -> S:
    """What a target says to a kind of client, over `defaults`. Raises Problem."""
    from ottla.client.properties import settings_from
    from ottla.client.settings import SettingRefused

    try:
        return settings_from(kind, (defaults or {}) | properties_of(target))
    except SettingRefused as error:
        raise Problem(str(error), error.hint, USAGE) from error


def properties_of(target: Target) -> dict[str, str]:
    """Client properties, `bootstrap.servers` among them. Raises Problem."""
    said = file_properties(target.config_file) if target.config_file else {}
    said.update(key_values(target.extra, "-X"))
    if target.bootstrap:
        said[SERVERS] = target.bootstrap
    if target.context:
        return context_properties(target.context) | said
    if SERVERS in said:
        return said
    named = [os.environ[name] for name in ENVIRONMENT if os.environ.get(name)]
    if named:
        return {SERVERS: named[0]} | said
    return {SERVERS: LOCAL} | context_properties(None) | said


def context_properties(name: str | None) -> dict[str, str]:
    """Those of a context; None: of OTTLA_CONTEXT or the one in use, if there is one. Raises Problem."""
    from ottla.cli.contexts import contexts_file, contexts_in_file, properties_in

    path = contexts_file(os.environ)
    chosen = name or os.environ.get("OTTLA_CONTEXT")
    if chosen is None and not os.path.exists(path):
        return {}
    return properties_in(contexts_in_file(path), chosen)


def admin_settings(target: Target) -> AdminSettings:
    """For commands that ask and order."""
    from ottla.client.settings import AdminSettings

    return client_settings(target, AdminSettings)


def file_properties(path: str) -> dict[str, str]:
    """A client's properties file. Keys of other clients are told and left out. Raises Problem."""
    from ottla.broker.config.properties import parse_properties
    from ottla.client.properties import is_known
    from ottla.core.model.settings.kinds import InvalidSetting

    try:
        properties = parse_properties(read_text(path))
    except InvalidSetting as error:
        raise Problem(f"{path}, {error}", "correct the file.", USAGE) from error
    unknown = [key for key in properties if not is_known(key)]
    if unknown:
        note(f"{path}: no effect here: {', '.join(unknown)}")
    return {key: value for key, value in properties.items() if is_known(key)}


def on_cluster(settings: ConnectionSettings, work: Callable[[Cluster], Coroutine[Any, Any, T]]) -> T:
    """Connect, do the work, disconnect. Raises Problem for whatever goes wrong on the way."""
    from ottla.cli.running import run
    from ottla.client.cluster import Cluster

    async def inside(world: World) -> T:
        async with Cluster(world, settings) as cluster:
            return await work(cluster)

    with client_problems():
        return run(inside)


def ask(target: Target, work: Callable[[Cluster], Coroutine[Any, Any, T]]) -> T:
    """`on_cluster` for a command that asks and orders."""
    return on_cluster(admin_settings(target), work)
