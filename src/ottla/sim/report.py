"""One seed, run to its end or to its failure, and the failure told so that anybody can have it again."""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple

from ottla.sim.coordination.story import GroupStory
from ottla.sim.story import Story

WORLDS: Final[dict[str, type[Story]]] = {each.world: each for each in (Story, GroupStory)}
TOLD_EVENTS: Final = 60
"""How much of the trace a failure shows."""


class Report(NamedTuple):
    """How one run went. `failure` is None when every promise was kept."""

    seed: int
    steps: int
    digest: str
    events: int
    virtual_ms: int
    reached: Counter[str]
    failure: str | None


def simulate(seed: int, steps: int, world: str = "node") -> Report:
    """Run one seed in a kind of world of `WORLDS`."""
    story = WORLDS[world](seed, steps)
    failure = None
    reached: Counter[str] = Counter()
    try:
        reached = story.run()
    except Exception as error:  # whatever it is, it belongs to this seed
        failure = explain(story, error)
    universe = story.universe
    trace = universe.trace
    return Report(
        seed, steps, trace.digest, trace.events, universe.schedule.micros // 1_000, reached, failure
    )


def explain(story: Story, error: Exception) -> str:
    """What happened, what came before it, and how to see it again."""
    lives = ", ".join(end.value for end in story.ends) or "none"
    return "\n".join(
        [
            story.universe.trace.tail(TOLD_EVENTS),
            "",
            story.universe.trace.turn_of_events(),
            "",
            f"{type(error).__name__}: {error}",
            f"seed {story.seed}, after {story.steps_done} steps of clients; ends of the lives before: {lives}",
            f"again: make sim SEED={story.seed} STEPS={story.plan.steps}{_where(story)}",
        ]
    )


def _where(story: Story) -> str:
    return "" if story.world == Story.world else f' SIM="--world {story.world}"'
