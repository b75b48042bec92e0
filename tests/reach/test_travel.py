"""One data directory, two products: Ottla writes and Apache Kafka opens it, the other way round, and back again."""

from __future__ import annotations

import pytest

from tests.nodes import Node, Product
from tests.reach.contents import TOPICS, Contents, contents, found, trim, write

pytestmark = pytest.mark.timeout(300)


def same(before: Contents, after: Contents) -> None:
    """As plain equality, but a difference is told in one line and not in megabytes."""
    assert list(after.topics) == list(before.topics)
    for name, topic in before.topics.items():
        other = after.topics[name]
        assert (other.id, other.configs, other.ranges) == (topic.id, topic.configs, topic.ranges), name
        for partition, (want, got) in enumerate(zip(topic.records, other.records, strict=True)):
            assert len(got) == len(want), f"{name}-{partition}"
            for each, that in zip(want, got, strict=True):
                assert that == each, f"{name}-{partition} at offset {each[0]}"
    assert after.broker_configs == before.broker_configs
    assert after.scram_users == before.scram_users


def complete(seen: Contents) -> Contents:
    assert sorted(seen.topics) == sorted(TOPICS)
    assert all(any(topic.records) for name, topic in seen.topics.items() if name != "empty")
    return seen


@pytest.mark.parametrize("way", ["there", "here"])
def test_a_directory_opens_in_the_other_product(
    node: Node, product: Product, apache: Product, way: str
) -> None:
    first, second = (product, apache) if way == "there" else (apache, product)
    node.start(first)
    found(node)
    write(node)
    trim(node, 100)
    before = complete(contents(node))
    node.stop()
    node.start(second)
    same(before, contents(node))
    node.stop()


def test_a_directory_goes_there_and_back_and_grows_on_the_way(
    node: Node, product: Product, apache: Product
) -> None:
    node.start(product)
    found(node)
    for station, each in enumerate([apache, product, apache, product]):
        write(node)
        trim(node, 50 * (station + 1))
        before = complete(contents(node))
        node.stop()
        node.start(each)
        same(before, contents(node))
    node.stop()


@pytest.mark.parametrize("way", ["there", "here"])
def test_a_directory_opens_in_the_other_product_after_sudden_death(
    node: Node, product: Product, apache: Product, way: str
) -> None:
    first, second = (product, apache) if way == "there" else (apache, product)
    node.start(first)
    found(node)
    write(node)
    before = complete(contents(node))
    node.kill()
    node.start(second)
    same(before, contents(node))
    node.stop()
