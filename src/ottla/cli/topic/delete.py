"""`ottla topic delete`."""

from __future__ import annotations

import click

from ottla.cli.lazy import TOPIC_NAMES
from ottla.cli.options import confirm, yes_option
from ottla.cli.problems import note
from ottla.cli.target import Target, ask, target_options
from ottla.cli.topic.missing import hints_for, report_refused


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=TOPIC_NAMES)
@click.option("--if-exists", is_flag=True, help="A topic that is not there is no error.")
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@yes_option
@target_options
def delete(
    names: tuple[str, ...],
    if_exists: bool,
    dry_run: bool,
    yes: bool,
    target: Target,
) -> int:
    """Delete topics and all their records."""
    from ottla.client.admin.topics import Topics
    from ottla.core.model.errors import ErrorCode, KafkaError

    if dry_run:
        found = ask(target, lambda cluster: Topics(cluster).describe_topics(names))
        errors = {name: each if isinstance(each, KafkaError) else None for name, each in found.items()}
    else:
        confirm(f"Delete {', '.join(names)} with all records?", yes=yes)
        errors = ask(target, lambda cluster: Topics(cluster).delete_topics(names))
    code = 0
    refusals: dict[str, KafkaError] = {}
    for name, error in errors.items():
        if error is None:
            note(f"topic {name} would be deleted" if dry_run else f"deleted topic {name}")
        elif if_exists and error.code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
            note(f"topic {name} is not there")
        else:
            refusals[name] = error
    if refusals:
        code = report_refused(refusals, ask(target, lambda cluster: hints_for(cluster, refusals)))
    return code
