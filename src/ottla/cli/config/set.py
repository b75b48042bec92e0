"""`ottla config set`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ottla.cli.config.applying import apply_to_each, tell
from ottla.cli.config.resource import resource_arguments, resource_of
from ottla.cli.options import output_option
from ottla.cli.target import Target, ask, target_options

if TYPE_CHECKING:
    from ottla.client.admin.configs import ConfigChange


@click.command("set")
@resource_arguments
@click.argument("pairs", nargs=-1, metavar="[KEY=VALUE...]")
@click.option("--unset", "unset", multiple=True, metavar="KEY", help="Take a config back to its default.")
@click.option(
    "--append", "append", multiple=True, metavar="KEY=VALUE", help="Add to a config that is a list."
)
@click.option("--subtract", "subtract", multiple=True, metavar="KEY=VALUE", help="Take out of such a list.")
@click.option("--dry-run", is_flag=True, help="Only let the cluster check it.")
@output_option()
@target_options
def set_configs(
    kind: str,
    name: str,
    pairs: tuple[str, ...],
    unset: tuple[str, ...],
    append: tuple[str, ...],
    subtract: tuple[str, ...],
    dry_run: bool,
    output: str,
    target: Target,
) -> int:
    """Set or unset configs, one by one: all changes are made, or none.

    \b
    ottla config set topic orders retention.ms=86400000 cleanup.policy=compact
    ottla config set topic orders --unset retention.ms
    ottla config set broker all log.cleaner.threads=2 --dry-run
    """
    changes = changes_of(pairs, unset, append, subtract)
    resource = resource_of(kind, name)
    applied = ask(target, lambda cluster: apply_to_each(cluster, [resource], changes, dry_run=dry_run))
    return tell(applied, changes, output, dry_run=dry_run)


def changes_of(
    pairs: tuple[str, ...], unset: tuple[str, ...], append: tuple[str, ...], subtract: tuple[str, ...]
) -> list[ConfigChange]:
    """Raises UsageError."""
    from ottla.cli.options import key_values
    from ottla.client.admin.configs import ConfigChange, Operation

    changes = [ConfigChange(key, value) for key, value in key_values(pairs, "KEY=VALUE").items()]
    changes += [ConfigChange(key, None, Operation.DELETE) for key in unset]
    for texts, option, operation in (
        (append, "--append", Operation.APPEND),
        (subtract, "--subtract", Operation.SUBTRACT),
    ):
        changes += [ConfigChange(key, value, operation) for key, value in key_values(texts, option).items()]
    if not changes:
        raise click.UsageError("nothing to set: give KEY=VALUE, --unset, --append or --subtract")
    names = [each.name for each in changes]
    twice = sorted({each for each in names if names.count(each) > 1})
    if twice:
        raise click.UsageError(f"{', '.join(twice)} is changed twice")
    return changes
