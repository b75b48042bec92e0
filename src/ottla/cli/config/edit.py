"""`ottla config edit`: the configs of something as a text, and the difference applied."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from ottla.cli.config.applying import apply, change_row, print_changes
from ottla.cli.config.get import entries_of
from ottla.cli.config.resource import own_source, resource_arguments, resource_of
from ottla.cli.options import confirm, read_text, yes_option
from ottla.cli.problems import USAGE, Problem, note
from ottla.cli.target import Target, ask, target_options

if TYPE_CHECKING:
    from ottla.client.admin.configs import ConfigChange, ConfigEntry, Resource

HEAD = """\
# Configs of {resource}. Save and close to apply what you change; close without saving to change nothing.
# A line taken out goes back to its default. Lines behind # are not set here: take the # away to set one.
"""
ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f"}


@click.command()
@resource_arguments
@click.option("--file", "path", metavar="FILE", help="Take this text, and open no editor.")
@click.option("--dry-run", is_flag=True, help="Only show what would change, and let the cluster check it.")
@yes_option
@target_options
def edit(kind: str, name: str, path: str | None, dry_run: bool, yes: bool, target: Target) -> None:
    """Edit configs in your editor ($VISUAL, $EDITOR), and apply what changed.

    What is set for this very thing stands there; a line that is taken out is unset. A text that is refused is kept.

    \b
    ottla config edit topic orders
    ottla config edit topic orders --file orders.properties --dry-run
    """
    resource = resource_of(kind, name)
    entries = ask(target, lambda cluster: entries_of(cluster, resource))
    edited = read_text(path) if path is not None else in_editor(text_of(resource, entries))
    try:
        changes = [] if edited is None else difference(resource, entries, edited)
        if not changes:
            note("nothing was changed")
            return
        before = {each.name: each for each in entries}
        print_changes([change_row(resource, each, before) for each in changes], "table", several=False)
        ask(target, lambda cluster: apply(cluster, resource, changes, dry_run=True))
        if dry_run:
            note(f"{resource}: nothing was changed: --dry-run")
            return
        confirm(f"Change {len(changes)} configs of {resource}?", yes=yes)
        ask(target, lambda cluster: apply(cluster, resource, changes, dry_run=False))
    except Problem as problem:
        if path is None and edited is not None:
            raise keeping(problem, edited) from problem
        raise
    note(f"{resource}: done")


def in_editor(text: str) -> str | None:
    """What becomes of the text; None when it was not saved. Raises Problem."""
    try:
        return click.edit(text, extension=".properties", require_save=True)
    except click.ClickException as error:
        raise Problem(error.format_message(), "set $EDITOR to an editor that you have.") from error


def keeping(problem: Problem, edited: str) -> Problem:
    """The same problem, with the place where the text is kept."""
    number, path = tempfile.mkstemp(prefix="ottla-config-", suffix=".properties")
    with os.fdopen(number, "w", encoding="utf-8") as file:
        file.write(edited)
    hint = f"{problem.hint} Your text is kept: mend it, and give it with --file {path}"
    return Problem(problem.format_message(), hint, problem.code)


def text_of(resource: Resource, entries: list[ConfigEntry]) -> str:
    own = editable(resource, entries)
    others = [each for each in entries if each.name not in own and not each.read_only and not each.sensitive]
    lines = [HEAD.format(resource=resource)]
    lines += [f"{escaped(name, key=True)}={escaped(value)}" for name, value in own.items()]
    lines += ["", *(f"#{escaped(each.name, key=True)}={escaped(each.value or '')}" for each in others)]
    return "\n".join(lines) + "\n"


def editable(resource: Resource, entries: list[ConfigEntry]) -> dict[str, str]:
    """What is set for this very resource. What is sensitive is not shown, and so cannot be taken out."""
    own = own_source(resource)
    return {each.name: each.value or "" for each in entries if each.source == own and not each.sensitive}


def escaped(text: str, *, key: bool = False) -> str:
    """A key or a value as `.properties` has it."""
    return "".join(escapes(text, key=key))


def escapes(text: str, *, key: bool) -> Iterator[str]:
    for index, letter in enumerate(text):
        if letter in ESCAPES:
            yield ESCAPES[letter]
        elif (key and letter in "=: ") or (not index and letter in " =:#!"):
            yield f"\\{letter}"
        else:
            yield letter


def difference(resource: Resource, entries: list[ConfigEntry], edited: str) -> list[ConfigChange]:
    """What an edited text changes. Raises Problem."""
    from ottla.broker.config.properties import parse_properties
    from ottla.client.admin.configs import ConfigChange, Operation
    from ottla.core.model.settings.kinds import InvalidSetting

    try:
        wanted = parse_properties(edited)
    except InvalidSetting as error:
        raise Problem(str(error), "nothing was changed.", USAGE) from error
    own = editable(resource, entries)
    changes = [ConfigChange(key, value) for key, value in wanted.items() if own.get(key) != value]
    return changes + [ConfigChange(key, None, Operation.DELETE) for key in own if key not in wanted]
