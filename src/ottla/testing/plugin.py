"""The pytest plug-in: `ottla_broker`, a broker for the session, and `ottla_topic`, a topic for each test.

pytest imports this module whenever Ottla is installed, so it imports nothing: what a session without these fixtures pays is
this file. A project that wants its broker otherwise defines `ottla_broker` in its own `conftest.py`; `ottla_topic` is then a
topic of that one.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ottla.testing.broker import Broker

NAME_MAX = 200
"""Characters of a test's name in that of its topic; a topic may have 249."""


@pytest.fixture(scope="session")
def ottla_broker() -> Iterator[Broker]:
    """A running `ottla.testing.Broker`, in a process of its own: the tests keep their threads, their log and their processor
    to themselves."""
    from ottla.testing.broker import Broker

    with Broker(child=True) as broker:
        yield broker


@pytest.fixture
def ottla_topic(ottla_broker: Broker, request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a new topic with one partition. It is deleted after the test, and faults that are left are lifted."""
    title = re.sub(r"[^A-Za-z0-9._-]+", "-", request.node.name)[:NAME_MAX].strip("-")
    name = f"{title}-{uuid.uuid4().hex[:8]}"
    ottla_broker.create_topic(name)
    yield name
    if ottla_broker.running:
        ottla_broker.faults.lift_all()
        if name in ottla_broker.topics():
            ottla_broker.delete_topic(name)
