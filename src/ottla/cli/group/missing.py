"""Groups that are not there: said with the name that was probably meant."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from ottla.cli.explaining import refused
from ottla.cli.problems import NOT_FOUND, Problem, report

if TYPE_CHECKING:
    from ottla.client.cluster import Cluster
    from ottla.core.model.errors import KafkaError

LIST_HINT = "`ottla group list` shows the groups there are."


async def meant(cluster: Cluster, name: str) -> str:
    """A hint for a group id that nobody knows."""
    from ottla.client.admin.groups import Groups

    groups, _ = await Groups(cluster).list_groups()
    kinds = {each.group_id: each.type for each in groups}
    if name in kinds:
        command = f"{kinds[name]}-group" if kinds[name] in ("share", "streams") else "group"
        return f"{name} is a {kinds[name]} group: `ottla {command}` is for those."
    near = get_close_matches(name, kinds, n=1)
    return f"did you mean {near[0]}? {LIST_HINT}" if near else LIST_HINT


async def missing_group(cluster: Cluster, name: str) -> Problem:
    """What to raise where one group was named and is not there."""
    return Problem(f"there is no group {name}", await meant(cluster, name), NOT_FOUND)


async def hints_for(cluster: Cluster, errors: dict[str, KafkaError]) -> dict[str, str]:
    """Hints for those of several groups that are not there."""
    return {
        name: await meant(cluster, name)
        for name, error in errors.items()
        if error.code.name == "GROUP_ID_NOT_FOUND"
    }


def report_refused(errors: dict[str, KafkaError], hints: dict[str, str]) -> int:
    """Say what was refused, group by group. Returns the exit code."""
    code = 0
    for name, error in errors.items():
        if name in hints:
            report(f"there is no group {name}", hints[name])
            code = NOT_FOUND
        else:
            code = refused(f"group {name}", error)
    return code
