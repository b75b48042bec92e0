"""The number by which groups notice that topics changed. The values were computed by the library Kafka uses (hash4j)."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from ottla.core.coordination.contract import Topic
from ottla.core.groups.metadata_hash import NO_TOPICS, TopicHashes, topic_hash
from ottla.core.groups.xxh3 import xxh3
from ottla.core.model.ids import Uuid

ID = Uuid(bytes(range(1, 17)))
ORDERS = Topic(ID, "orders", 3)
RACKED = Topic(ID, "zähler", 2, [frozenset({"b", "a"}), frozenset({"ß-rack"})])


class Known:
    """Topics that a test may change."""

    def __init__(self, *topics: Topic) -> None:
        self.topics = {each.name: each for each in topics}
        self.asked = 0

    @property
    def version(self) -> int:
        return 0

    def named(self, name: str) -> Topic | None:
        self.asked += 1
        return self.topics.get(name)

    def with_id(self, topic_id: Uuid) -> Topic | None:
        return next((each for each in self.topics.values() if each.id == topic_id), None)

    def names(self) -> Iterable[str]:
        return self.topics


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (0, 0x2D06800538D394C2),
        (1, 0xC44BDFF4074EECDB),
        (3, 0xC3489259E968AD9E),
        (4, 0xD3D60C1519014E89),
        (8, 0xB88DEE77F6BF6980),
        (9, 0x3688DCAD730D826),
        (16, 0x9DA23836ADF2BE1E),
        (17, 0xF34C3C9CF5A112D1),
        (128, 0x65F3C2C00FA93185),
        (129, 0x28065C6EC25F5B25),
        (240, 0x4917A75C0EF8EED7),
        (241, 0x541B19226F0052E8),
        (1024, 0xDC5ACF0B043C445B),
        (1025, 0xE1D9CD946277AE26),
        (5000, 0x6ABE8BE5ABCB2760),
    ],
)
def test_xxh3_of_every_length_class(length: int, expected: int) -> None:
    assert xxh3(bytes(i * 7 & 255 for i in range(length))) == expected


def test_topics_hash_as_kafkas_do() -> None:
    assert topic_hash(ORDERS) == 3653115502262934565
    assert topic_hash(RACKED) == 3020710205707738698
    assert topic_hash(Topic(ID, "t", 0)) == 6758744033488928612
    assert topic_hash(Topic(ID, "wide", 300)) == 6625479560844661104


def test_a_group_hashes_its_topics_in_the_order_of_their_names() -> None:
    hashes = TopicHashes(Known(ORDERS, RACKED))
    assert hashes.of_group({"zähler", "orders"}) == -6560044148858710541
    assert hashes.of_group(["orders"]) == 4469793264692497189


def test_topics_that_do_not_exist_count_as_nothing() -> None:
    hashes = TopicHashes(Known(ORDERS))
    assert hashes.of_group(["orders", "gone"]) == hashes.of_group(["orders"])
    assert hashes.of_group(["gone"]) == hashes.of_group([]) == NO_TOPICS


def test_a_topic_is_hashed_again_only_when_it_changed() -> None:
    topics = Known(ORDERS)
    hashes = TopicHashes(topics)
    before = hashes.of_group(["orders"])
    assert hashes.of_group(["orders"]) == before
    assert topics.asked == 1
    topics.topics["orders"] = ORDERS._replace(partitions=4)
    hashes.changed(["orders"])
    assert hashes.changes == 1
    assert hashes.of_group(["orders"]) != before
