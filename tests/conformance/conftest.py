"""One running node for all clients, and topics of their own for every test."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.broker import Broker
from tests.members import leave_all
from tests.nodes import Node, Product

TROUBLE = re.compile(r"^.*(?:Traceback|\bERROR\b|\bCRITICAL\b|\bFATAL\b).*$", re.MULTILINE)
"""A node that serves well-meaning clients, and refuses their mistakes, has nothing of this kind to say."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "conformance" in item.path.parts:
            item.add_marker(pytest.mark.conformance)
            item.add_marker(pytest.mark.filterwarnings("ignore::ResourceWarning"))


@pytest.fixture(autouse=True)
def _sweep() -> Iterator[None]:
    """Members that a failed test has left, and sockets that a client of other people forgets, go within their own test."""
    yield
    leave_all()
    gc.collect()


@pytest.fixture(scope="session")
def broker(product: Product, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    node = Node(Path(tmp_path_factory.mktemp("node")), product)
    node.start()
    yield Broker(node)
    try:
        code = node.stop()
    finally:
        node.kill()
    if product.name == "ottla":
        assert code == 0, node.tail()
        assert not TROUBLE.findall(node.log.read_text(errors="replace")), f"see {node.log}"


@pytest.fixture
def topic(broker: Broker) -> str:
    """A new topic of one partition."""
    return broker.topic()
