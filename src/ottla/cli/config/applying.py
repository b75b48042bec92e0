"""Changes of configs: checked by the cluster and made, all those of one resource or none; and how they are shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ottla.cli.config.get import HIDDEN, entries_of
from ottla.cli.config.resource import is_known, nearest_key, own_source, refusal, table_of
from ottla.cli.output import DATA_FORMS, print_rows
from ottla.cli.problems import Problem, note, report

if TYPE_CHECKING:
    from ottla.client.admin.configs import ConfigChange, ConfigEntry, Resource
    from ottla.client.cluster import Cluster


async def apply(
    cluster: Cluster, resource: Resource, changes: Sequence[ConfigChange], *, dry_run: bool
) -> dict[str, ConfigEntry]:
    """Make changes, or have the cluster check them. Returns what was set before. Raises Problem, ClientError."""
    from ottla.client.admin.configs import Configs

    before = {each.name: each for each in await entries_of(cluster, resource)}
    answer = await Configs(cluster).alter_configs({resource: changes}, validate_only=dry_run)
    error = answer.get(resource)
    if error is not None:
        raise await refusal(cluster, resource, error, [each.name for each in changes], before)
    return before


async def apply_to_each(
    cluster: Cluster, resources: Iterable[Resource], changes: Sequence[ConfigChange], *, dry_run: bool
) -> dict[Resource, dict[str, ConfigEntry] | Problem]:
    """The same changes for several resources; one that refuses them does not keep the others from it."""
    found: dict[Resource, dict[str, ConfigEntry] | Problem] = {}
    for resource in resources:
        try:
            found[resource] = await apply(cluster, resource, changes, dry_run=dry_run)
        except Problem as problem:
            found[resource] = problem
    return found


def tell(
    applied: Mapping[Resource, dict[str, ConfigEntry] | Problem],
    changes: Sequence[ConfigChange],
    output: str,
    *,
    dry_run: bool,
) -> int:
    """Print what was changed, say what was refused. Returns the exit code."""
    done = {resource: each for resource, each in applied.items() if not isinstance(each, Problem)}
    rows = [change_row(resource, each, before) for resource, before in done.items() for each in changes]
    if rows or output in DATA_FORMS:
        print_changes(rows, output, several=len(applied) > 1)
    for resource in done:
        note(f"{resource}: nothing was changed: --dry-run" if dry_run else f"{resource}: done")
        for each in changes:
            wonder(resource, each.name, done[resource])
    code = 0
    for problem in applied.values():
        if isinstance(problem, Problem):
            report(problem.format_message(), problem.hint)
            code = problem.code
    return code


def wonder(resource: Resource, name: str, before: Mapping[str, ConfigEntry]) -> None:
    """Brokers take keys that nobody knows, and let go of what nobody set: say so, it may be a slip."""
    if name in before or is_known(resource, name):
        return
    near = nearest_key(resource, name)
    note(f"{resource}: {name} is no config known here{f'; did you mean {near}?' if near else ''}")


def print_changes(rows: Sequence[Mapping[str, Any]], output: str, *, several: bool) -> None:
    columns = ("name", "current", "change", "new")
    print_rows(rows, output, columns=(*columns, "resource") if several else columns, wide=("source",))


def change_row(
    resource: Resource, change: ConfigChange, entries: Mapping[str, ConfigEntry]
) -> dict[str, Any]:
    """`new`: what it will be, None where nobody can tell before the cluster does."""
    before = entries.get(change.name)
    setting = table_of(resource).get(change.name)
    secret = before.sensitive if before is not None else setting is not None and setting.sensitive
    current = None if before is None else before.value
    return {
        "resource": str(resource),
        "name": change.name,
        "current": HIDDEN if secret and before is not None else current,
        "source": None if before is None else before.source,
        "change": change.operation.name.lower(),
        "new": HIDDEN if secret else value_after(change, before, own_source(resource)),
    }


def value_after(change: ConfigChange, before: ConfigEntry | None, own: str) -> str | None:
    """What a change makes of a config. `own`: the source that a deletion takes away."""
    from ottla.client.admin.configs import Operation

    if change.operation is Operation.SET:
        return change.value
    if change.operation is Operation.DELETE:
        rest = () if before is None else [each for each in before.synonyms if each.source != own]
        return rest[0].value if rest else None
    listed = [] if before is None or not before.value else before.value.split(",")
    given = (change.value or "").split(",")
    if change.operation is Operation.APPEND:
        return ",".join([*listed, *(each for each in given if each not in listed)])
    return ",".join(each for each in listed if each not in given)
