"""`ottla topic alter` and `ottla topic add-partitions`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ottla.cli.config.applying import apply_to_each, tell
from ottla.cli.config.resource import resource_of
from ottla.cli.config.set import changes_of
from ottla.cli.explaining import refused
from ottla.cli.lazy import TOPIC_NAMES
from ottla.cli.options import confirm, key_values, output_option, yes_option
from ottla.cli.output import DATA_FORMS, print_rows
from ottla.cli.problems import note
from ottla.cli.target import Target, ask, target_options
from ottla.cli.topic.missing import hints_for, report_refused

if TYPE_CHECKING:
    from ottla.client.cluster import Cluster
    from ottla.client.view import TopicView
    from ottla.core.model.errors import KafkaError


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=TOPIC_NAMES)
@click.option("--config", "configs", multiple=True, metavar="KEY=VALUE", help="Set a config; repeatable.")
@click.option(
    "--delete-config", "deleted", multiple=True, metavar="KEY", help="Take one back to its default."
)
@click.option("--dry-run", is_flag=True, help="Only let the cluster check it.")
@output_option()
@target_options
def alter(
    names: tuple[str, ...],
    configs: tuple[str, ...],
    deleted: tuple[str, ...],
    dry_run: bool,
    output: str,
    target: Target,
) -> int:
    """Change configs of topics. `ottla config set topic` does this as well, and lists.

    \b
    ottla topic alter orders --config retention.ms=86400000 --delete-config cleanup.policy
    """
    if not configs and not deleted:
        raise click.UsageError("nothing to change: give --config or --delete-config")
    key_values(configs, "--config")
    changes = changes_of(configs, deleted, (), ())
    topics = [resource_of("topic", name) for name in dict.fromkeys(names)]
    applied = ask(target, lambda cluster: apply_to_each(cluster, topics, changes, dry_run=dry_run))
    return tell(applied, changes, output, dry_run=dry_run)


PARTITIONS_MAX = 2**31 - 1
"""What fits a request; brokers draw their line long before."""


@click.command("add-partitions")
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=TOPIC_NAMES)
@click.option("-n", "--num", "more", type=click.IntRange(1, PARTITIONS_MAX), help="How many more.")
@click.option("--total", type=click.IntRange(1, PARTITIONS_MAX), help="How many there shall be in all.")
@click.option("--dry-run", is_flag=True, help="Only show the plan, and let the cluster check it.")
@yes_option
@output_option()
@target_options
def add_partitions(
    names: tuple[str, ...],
    more: int | None,
    total: int | None,
    dry_run: bool,
    yes: bool,
    output: str,
    target: Target,
) -> int:
    """Give topics more partitions. There is no way back, and keys move to other partitions.

    \b
    ottla topic add-partitions orders -n 3
    ottla topic add-partitions orders --total 12 --dry-run
    """
    if (more is None) == (total is None):
        raise click.UsageError("say how many with one of -n and --total")
    views, hints = ask(target, lambda cluster: described(cluster, names))
    plan = {
        name: (len(view.partitions), total if total is not None else len(view.partitions) + (more or 0))
        for name, view in views.items()
        if not isinstance(view, Exception)
    }
    code = report_refused({name: each for name, each in views.items() if isinstance(each, Exception)}, hints)
    if plan or output in DATA_FORMS:
        rows = [{"name": name, "partitions": now, "new": new} for name, (now, new) in plan.items()]
        print_rows(rows, output, columns=("name", "partitions", "new"))
    code = max(code, grow(target, plan, dry_run=True))
    if not plan:
        return code
    if dry_run:
        note("nothing was changed: --dry-run")
        return code
    confirm("Add them? Records with keys will go to other partitions than before.", yes=yes)
    return max(code, grow(target, plan, dry_run=False))


async def described(
    cluster: Cluster, names: tuple[str, ...]
) -> tuple[dict[str, TopicView | KafkaError], dict[str, str]]:
    """Topics, and hints for those that are not there."""
    from ottla.client.admin.topics import Topics

    views = await Topics(cluster).describe_topics(names)
    return views, await hints_for(cluster, views)


def grow(target: Target, plan: dict[str, tuple[int, int]], *, dry_run: bool) -> int:
    """Carry a plan out, or have it checked: what is refused is said, and leaves the plan. Returns the exit code."""
    from ottla.client.admin.topics import NewPartitions, Topics

    if not plan:
        return 0
    wanted = {name: NewPartitions(new) for name, (_, new) in plan.items()}

    async def work(cluster: Cluster) -> dict[str, KafkaError | None]:
        return await Topics(cluster).create_partitions(wanted, validate_only=dry_run)

    code = 0
    for name, error in ask(target, work).items():
        if error is not None:
            code = refused(f"topic {name}", error)
            del plan[name]
        elif not dry_run:
            note(f"topic {name}: done")
    return code
