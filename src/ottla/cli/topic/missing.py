"""Topics that are not there: said with the name that was probably meant."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING

from ottla.cli.explaining import advice, refused
from ottla.cli.problems import Problem

if TYPE_CHECKING:
    from ottla.client.cluster import Cluster
    from ottla.core.model.errors import KafkaError

MISSING = "UNKNOWN_TOPIC_OR_PARTITION"


async def meant(cluster: Cluster, name: str) -> str:
    """A hint for a topic that nobody knows."""
    from ottla.client.admin.topics import Topics

    _, hint = advice(MISSING)
    near = get_close_matches(name, [each.name for each in await Topics(cluster).topics()], n=1)
    return f"did you mean {near[0]}? {hint}" if near else hint


async def refused_topic(cluster: Cluster, name: str, error: KafkaError) -> Problem:
    """What to raise where one topic was refused."""
    code, hint = advice(error.code.name)
    if error.code.name == MISSING:
        hint = await meant(cluster, name)
    return Problem(str(error), hint, code)


async def hints_for(cluster: Cluster, errors: Mapping[str, object]) -> dict[str, str]:
    """Hints for those of several topics that are not there."""
    from ottla.core.model.errors import KafkaError

    return {
        name: await meant(cluster, name)
        for name, error in errors.items()
        if isinstance(error, KafkaError) and error.code.name == MISSING
    }


def report_refused(errors: Mapping[str, KafkaError], hints: Mapping[str, str]) -> int:
    """Say what was refused, topic by topic. Returns the exit code."""
    return max(
        [refused(f"topic {name}", error, hints.get(name)) for name, error in errors.items()], default=0
    )
