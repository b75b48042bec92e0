"""Whatever members of a consumer group do: nobody shares a partition, the log tells the same, and it settles."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ottla.core.groups.assignors import ranges, uniform
from ottla.core.groups.assignors.spec import Assignor, Subscriber
from ottla.core.groups.consumer.group import ConsumerGroup
from ottla.core.model.ids import Uuid
from tests.unit.coordination.driving import World
from tests.unit.groups.consumer.driving import GROUP, Client, Consumers, settle

NAMES = ("one", "two", "three", "four")
TOPICS = ("orders", "bills")
SUBSCRIPTIONS: tuple[dict[str, Any], ...] = (
    {"subscribed_topic_names": ["orders"]},
    {"subscribed_topic_names": ["orders", "bills"]},
    {"subscribed_topic_names": [], "subscribed_topic_regex": "b.*"},
    {"subscribed_topic_names": ["bills"], "subscribed_topic_regex": ""},
)

member = st.sampled_from(NAMES)
steps = st.one_of(
    st.tuples(st.just("join"), member, st.sampled_from(SUBSCRIPTIONS)),
    st.tuples(st.just("beat"), member),
    st.tuples(st.just("change"), member, st.sampled_from(SUBSCRIPTIONS)),
    st.tuples(st.just("leave"), member),
    st.tuples(st.just("lose"), member),
    st.tuples(st.just("away"), member),
    st.tuples(st.just("grow"), st.sampled_from(TOPICS)),
    st.tuples(st.just("wait"), st.sampled_from((0, 4_000, 11_000))),
    st.tuples(st.just("restart")),
)


class Story:
    """One run: clients as they believe things to be."""

    def __init__(self) -> None:
        self.groups = Consumers(World(orders=4, bills=2))
        self.clients: dict[str, Client] = {}
        self.incarnations = 0

    def play(self, step: tuple[Any, ...]) -> None:
        what, *rest = step
        getattr(self, what)(*rest)
        self.check()

    def check(self) -> None:
        owned = [
            (topic, index)
            for client in self.clients.values()
            for topic, indexes in client.has.items()
            for index in indexes
        ]
        assert len(owned) == len(set(owned)), "a partition is with two members"

    def join(self, name: str, said: dict[str, Any]) -> None:
        """Members with a short name are static; they come back under another id."""
        if name in self.clients:
            return
        self.incarnations += 1
        client = Client(self.groups, f"{name}-{self.incarnations}")
        answer = self.groups.beat(client.id, 0, **said, **self._instance(name))
        if hasattr(answer, "member_epoch"):
            client._hear(answer)
            self.clients[name] = client

    def _instance(self, name: str) -> dict[str, Any]:
        return {"instance_id": name} if len(name) == 3 else {}

    def beat(self, name: str, **said: Any) -> None:
        client = self.clients.get(name)
        if client is None:
            return
        answer = self.groups.beat(client.id, client.epoch, has=client.has, **said, **self._instance(name))
        if hasattr(answer, "member_epoch"):
            client._hear(answer)
        else:
            del self.clients[name]  # fenced: it gives up everything

    def change(self, name: str, said: dict[str, Any]) -> None:
        self.beat(name, **said)

    def leave(self, name: str) -> None:
        client = self.clients.pop(name, None)
        if client is not None:
            self.groups.beat(client.id, -1, **self._instance(name))

    def away(self, name: str) -> None:
        client = self.clients.pop(name, None)
        if client is not None and self._instance(name):
            self.groups.beat(client.id, -2, **self._instance(name))

    def lose(self, name: str) -> None:
        """The client is gone without a word."""
        self.clients.pop(name, None)

    def grow(self, topic: str) -> None:
        self.groups.new_partitions(topic, self.groups.world.topics[topic].partitions + 1)

    def wait(self, ms: int) -> None:
        self.groups.pass_time(ms)
        for name in list(self.clients):
            self.beat(name)

    def restart(self) -> None:
        before = self._facts()
        self.groups.restart()
        assert self._facts() == before

    def _facts(self) -> Any:
        group = self.groups.state.groups.get(GROUP)
        if not isinstance(group, ConsumerGroup):
            return None
        return (
            group.epoch,
            group.metadata_hash,
            group.assignment_epoch,
            group.assigned_at,
            group.members,
            {member: target for member, target in group.targets.items() if target},
            group.static_members,
            group.patterns,
            dict(group._owners),
        )

    def settle(self) -> None:
        for _ in range(12):
            self.wait(11_000)
        settle(self.clients.values())
        wanted = {
            (topic, index)
            for topic in self._read()
            for index in range(self.groups.world.topics[topic].partitions)
        }
        found = {
            (topic, index)
            for client in self.clients.values()
            for topic, indexes in client.has.items()
            for index in indexes
        }
        assert found == wanted

    def _read(self) -> set[str]:
        group = self.groups.state.groups.get(GROUP)
        if not isinstance(group, ConsumerGroup):
            return set()
        return {topic for member in group.members.values() for topic in group.topics_of(member)}


@settings(max_examples=120, deadline=None)
@given(st.lists(steps, min_size=5, max_size=40))
def test_no_partition_is_with_two_members_and_all_are_with_somebody_in_the_end(
    story: list[tuple[Any, ...]],
) -> None:
    run = Story()
    for step in story:
        run.play(step)
    run.restart()
    run.settle()
    run.restart()


topic_ids = st.sampled_from([Uuid(bytes([number]) * 16) for number in range(1, 5)])


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from((uniform.assign, ranges.assign)),
    st.dictionaries(topic_ids, st.integers(0, 12), min_size=1),
    st.lists(st.sets(topic_ids), min_size=1, max_size=8),
    st.data(),
)
def test_every_assignor_gives_each_partition_to_one_who_reads_it(
    assign: Assignor, partitions: dict[Uuid, int], readers: list[set[Uuid]], data: st.DataObject
) -> None:
    topics = [frozenset(each & partitions.keys()) for each in readers]
    read = {topic: partitions[topic] for topic in sorted(frozenset().union(*topics))}
    members = {f"m{number}": Subscriber(each) for number, each in enumerate(topics)}
    first = assign(members, read)
    _check(first, members, read)

    # Some leave, some come, some read other things; what was found is where the next begins.
    left = {name: each for name, each in members.items() if data.draw(st.booleans())}
    later = {name: each._replace(target=first[name]) for name, each in left.items()}
    later["new"] = Subscriber(frozenset(read))
    _check(assign(later, read), later, read)


def _check(found: dict[str, Any], members: dict[str, Subscriber], read: dict[Uuid, int]) -> None:
    assert found.keys() == members.keys()
    owners: dict[tuple[Uuid, int], str] = {}
    for name, share in found.items():
        for topic, indexes in share.items():
            assert indexes, "a topic without partitions"
            assert topic in members[name].topics
            for index in indexes:
                assert owners.setdefault((topic, index), name) == name
    wanted = {
        (topic, index)
        for topic, count in read.items()
        if any(topic in each.topics for each in members.values())
        for index in range(count)
    }
    assert owners.keys() == wanted


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 9), st.integers(0, 40), st.integers(1, 9))
def test_uniform_is_fair_and_moves_no_more_than_it_must(before: int, count: int, after: int) -> None:
    topic = Uuid(bytes(15) + b"\x07")
    topics = frozenset({topic})
    first = uniform.assign({f"m{n}": Subscriber(topics) for n in range(before)}, {topic: count})
    members = {f"m{n}": Subscriber(topics, target=first.get(f"m{n}", {})) for n in range(after)}
    second = uniform.assign(members, {topic: count})
    sizes = sorted(len(share.get(topic, ())) for share in second.values())
    assert sizes[-1] - sizes[0] <= 1
    for name, share in second.items():
        had = first.get(name, {}).get(topic, frozenset())
        kept = len(had & share.get(topic, frozenset()))
        assert kept >= min(len(had), count // after), "it lost what it could have kept"
