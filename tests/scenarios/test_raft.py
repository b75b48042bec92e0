"""The Raft machine's stories: one command an event, then the effects."""

from __future__ import annotations

from pathlib import Path

import pytest

from ottla.core.raft.election import ElectionState
from ottla.core.raft.machine import Event, Flushed, Persist, Persisted, RaftMachine, Resign, Start
from ottla.core.raft.voters import ReplicaKey, Voter, VoterSet
from tests.scenarios.stories import play, told

STORIES = sorted((Path(__file__).parent / "raft").glob("*.txt"))


class Stage:
    def __init__(self) -> None:
        self.raft: RaftMachine
        self.persisting: Persist | None = None

    def run(self, line: str) -> list[str]:
        verb, *words = line.split()
        event: Event
        if verb == "replica":
            given = dict(word.split("=") for word in words)
            self.raft = RaftMachine(
                ReplicaKey(1),
                VoterSet.of([Voter(ReplicaKey(1))]),
                ElectionState(int(given.get("epoch", 0))),
                kraft_version=int(given.get("kraft", 0)),
                end_offset=int(given.get("end", 0)),
                voters_in_log=given.get("voters", "format") == "log",
            )
            return ["ok"]
        if verb == "start":
            event = Start()
        elif verb == "persisted":
            assert self.persisting is not None
            event = Persisted(self.persisting.state)
        elif verb == "flushed":
            event = Flushed(int(words[0]))
        else:
            assert verb == "resign"
            event = Resign()
        effects = self.raft.step(0, event)
        for effect in effects:
            if isinstance(effect, Persist):
                self.persisting = effect
        return [told(effect) for effect in effects] or ["nothing"]


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_story(path: Path) -> None:
    play(path, Stage().run)
