"""KIND and NAME on the command line: whose configs are meant, and what to say when there is no such thing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from ottla.cli.explaining import advice
from ottla.cli.problems import Problem

if TYPE_CHECKING:
    from ottla.client.admin.configs import Resource
    from ottla.client.cluster import Cluster
    from ottla.core.model.errors import KafkaError

F = TypeVar("F", bound=Callable[..., Any])

KINDS: Final = ("topic", "broker", "group", "client-metrics", "broker-logger")
EVERY_BROKER: Final = "all"
BROKER_DIGITS: Final = 10
"""A broker id has 31 bits."""


def resource_arguments(command: F) -> F:
    """KIND and NAME, which reach the command as `kind` and `name`."""
    command = click.argument("name", metavar="NAME")(command)
    return click.argument("kind", type=click.Choice(KINDS), metavar="KIND")(command)


def resource_of(kind: str, name: str) -> Resource:
    """Raises UsageError for a broker that is no number, and for no name at all."""
    from ottla.client.admin.configs import Resource, ResourceType

    if kind == "broker" and name == EVERY_BROKER:
        return Resource(ResourceType.BROKER, "")
    if not name:
        raise click.UsageError(f"name the {kind}")
    is_id = name.isascii() and name.isdigit() and len(name) <= BROKER_DIGITS
    if kind == "broker" and not is_id:
        raise click.UsageError(f"{name!r} is no broker: give its id, or all for every broker")
    if kind == "broker-logger" and not is_id:
        raise click.UsageError(f"{name!r} is no broker: give the id of the broker whose loggers are meant")
    return Resource(ResourceType[kind.upper().replace("-", "_")], name)


def own_source(resource: Resource) -> str:
    """The source of what is set for this very resource, which is what can be unset for it."""
    from ottla.client.admin.configs import ResourceType

    if resource.type is ResourceType.BROKER:
        return "broker (dynamic)" if resource.name else "cluster (dynamic)"
    return str(resource.type.name.lower().replace("_", " "))


async def refusal(
    cluster: Cluster,
    resource: Resource,
    error: KafkaError,
    names: Iterable[str],
    known: Iterable[str] = (),
) -> Problem:
    """What to raise for configs that were refused: what is misspelt is named with what was meant.

    `known`: the configs that the cluster says there are.
    """
    from ottla.cli.topic.missing import MISSING, meant
    from ottla.client.admin.configs import ResourceType

    code, hint = advice(error.code.name)
    if resource.type is ResourceType.TOPIC and error.code.name == MISSING:
        hint = await meant(cluster, resource.name)
    for name in names:
        near = nearest_key(resource, name, known)
        if near:
            explained = near in table_of(resource)
            hint = f"did you mean {near}?" + (
                f" `ottla config explain {near}` tells of it." if explained else ""
            )
        elif READ_ONLY in str(error):
            hint = (
                f"`ottla config explain {name}` says when it can change: in the node's file, with a restart."
            )
    return Problem(f"{resource}: {error}", hint, code)


READ_ONLY: Final = "Cannot update these configs dynamically"
"""How brokers begin to say so."""


def nearest_key(resource: Resource, name: str, known: Iterable[str] = ()) -> str | None:
    """What a key that such a resource does not have was probably meant to be."""
    candidates = {*table_of(resource), *known}
    if name in candidates or is_known(resource, name):
        return None
    near = get_close_matches(name, candidates, n=1)
    return near[0] if near else None


def is_known(resource: Resource, name: str) -> bool:
    """Whether our own tables know a config of this name for such a resource. Loggers are not in them."""
    from ottla.client.admin.configs import ResourceType
    from ottla.core.model.settings.table import is_known as is_known_to_brokers

    if resource.type is ResourceType.BROKER:
        return is_known_to_brokers(name)
    return name in table_of(resource)


def table_of(resource: Resource) -> dict[str, Any]:
    from ottla.core.model.settings.table import TABLES, ResourceType

    return TABLES.get(ResourceType(int(resource.type)), {})
