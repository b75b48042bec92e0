"""`ottla quota`: how much users, clients and addresses may use."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ottla.cli.lazy import NounGroup
from ottla.cli.options import DATA, key_values, output_option
from ottla.cli.target import Target, ask, target_options

if TYPE_CHECKING:
    from ottla.client.admin.quotas import QuotaEntity
    from ottla.client.cluster import Cluster
    from ottla.core.model.errors import KafkaError

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT = "<default>"
KEYS = (
    "producer_byte_rate",
    "consumer_byte_rate",
    "request_percentage",
    "controller_mutation_rate",
    "connection_creation_rate",
)


@click.group(cls=NounGroup)
def quota() -> None:
    """Show and set quotas of users, clients and addresses."""


def entity_options(command: F) -> F:
    """--user, --client-id and --ip, which reach the command as `user`, `client_id` and `ip`."""
    for flag, what in (("--ip", "An address"), ("--client-id", "A client id"), ("--user", "A user")):
        command = click.option(
            flag, metavar="NAME", help=f"{what}; {DEFAULT} is who has no quota of its own."
        )(command)
    return command


def entity_names(user: str | None, client_id: str | None, ip: str | None) -> dict[str, str | None]:
    """Type -> name, None for the default. Raises UsageError."""
    if ip is not None and (user is not None or client_id is not None):
        raise click.UsageError("--ip stands alone: a quota is of an address, or of a user and client")
    given = {"user": user, "client-id": client_id, "ip": ip}
    return {kind: None if name == DEFAULT else name for kind, name in given.items() if name is not None}


@quota.command()
@entity_options
@click.option("--strict", is_flag=True, help="Only quotas of exactly these, and of nobody else.")
@output_option(*DATA)
@target_options
def describe(
    user: str | None, client_id: str | None, ip: str | None, strict: bool, output: str, target: Target
) -> None:
    """Show quotas: all, or those that have these parts."""
    from ottla.cli.output import print_rows

    names = entity_names(user, client_id, ip)

    async def work(cluster: Cluster) -> dict[QuotaEntity, dict[str, float]]:
        from ottla.client.admin.quotas import Match, QuotaFilter, Quotas

        wanted = [
            QuotaFilter(kind, Match.DEFAULT if name is None else Match.EXACT, name)
            for kind, name in names.items()
        ]
        return await Quotas(cluster).describe_quotas(wanted, strict=strict)

    found = ask(target, work)
    rows = [
        {**{kind.replace("-", "_"): dict(entity.parts).get(kind, "") for kind in ("user", "client-id", "ip")}}
        | {"quota": key, "value": value}
        for entity, values in found.items()
        for key, value in values.items()
    ]
    for row in rows:
        for kind in ("user", "client_id", "ip"):
            row[kind] = DEFAULT if row[kind] is None else row[kind] or None
    print_rows(rows, output, columns=("user", "client_id", "ip", "quota", "value"))


@quota.command()
@entity_options
@click.option("--set", "pairs", multiple=True, metavar="KEY=VALUE", help=f"One of {', '.join(KEYS)}.")
@click.option("--remove", "removed", multiple=True, metavar="KEY", help="Take a quota away.")
@click.option("--dry-run", is_flag=True, help="Only show the change, and let the cluster check it.")
@output_option(*DATA)
@target_options
def alter(
    user: str | None,
    client_id: str | None,
    ip: str | None,
    pairs: tuple[str, ...],
    removed: tuple[str, ...],
    dry_run: bool,
    output: str,
    target: Target,
) -> int:
    """Set quotas, or take them away.

    \b
    ottla quota alter --client-id importer --set producer_byte_rate=1048576
    ottla quota alter --user '<default>' --remove request_percentage
    """
    from ottla.cli.explaining import refused
    from ottla.cli.output import print_rows
    from ottla.cli.problems import note
    from ottla.client.admin.quotas import QuotaEntity

    names = entity_names(user, client_id, ip)
    if not names:
        raise click.UsageError("say whose quota it is: --user, --client-id or --ip")
    values = changed_values(pairs, removed)
    entity = QuotaEntity.of(names)
    before, error = ask(target, lambda cluster: apply(cluster, entity, values, dry_run=dry_run))
    if error is not None:
        return refused(str(entity), error, quota_meant(values))
    rows = [{"quota": key, "current": before.get(key), "new": value} for key, value in values.items()]
    print_rows(rows, output, columns=("quota", "current", "new"))
    note(f"{entity}: {'nothing was changed: --dry-run' if dry_run else 'done'}")
    return 0


def changed_values(pairs: tuple[str, ...], removed: tuple[str, ...]) -> dict[str, float | None]:
    """Quota -> its new value, None to take it away. Raises UsageError."""
    values: dict[str, float | None] = {
        key: number(key, text) for key, text in key_values(pairs, "--set").items()
    }
    twice = sorted({*values} & {*removed})
    if twice:
        raise click.UsageError(f"{', '.join(twice)} is both set and removed")
    values |= dict.fromkeys(removed)
    if not values:
        raise click.UsageError("nothing to do: give --set KEY=VALUE or --remove KEY")
    return values


async def apply(
    cluster: Cluster, entity: QuotaEntity, values: dict[str, float | None], *, dry_run: bool
) -> tuple[dict[str, float], KafkaError | None]:
    """Change quotas, or have the cluster check it. What was set before, and why it was refused."""
    from ottla.client.admin.quotas import Match, QuotaFilter, Quotas

    admin = Quotas(cluster)
    exactly = [
        QuotaFilter(kind, Match.DEFAULT if name is None else Match.EXACT, name) for kind, name in entity.parts
    ]
    before = (await admin.describe_quotas(exactly, strict=True)).get(entity, {})
    return before, (await admin.alter_quotas({entity: values}, validate_only=dry_run))[entity]


def quota_meant(values: dict[str, float | None]) -> str | None:
    """A hint for a quota that is misspelt."""
    from difflib import get_close_matches

    for key in values:
        near = get_close_matches(key, KEYS, n=1)
        if key not in KEYS:
            return f"did you mean {near[0]}?" if near else f"quotas are {', '.join(KEYS)}."
    return None


def number(key: str, text: str) -> float:
    """Raises UsageError."""
    from math import isfinite

    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise click.UsageError(f"--set {key}={text}: that is no number")
    return value
