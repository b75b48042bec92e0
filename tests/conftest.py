"""What every tier of tests shares: which product the suites of real clients are held against.

They run against Ottla. `OTTLA_TEST_TARGET=apache` runs the very same tests against Apache Kafka 4.3: a test that
fails there is wrong about Kafka, whatever Ottla does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests import apache_kafka
from tests.nodes import Node, Product, ottla

hypothesis.settings.register_profile("settled", deadline=None, derandomize=True)
hypothesis.settings.register_profile("fresh", deadline=None)
hypothesis.settings.load_profile("settled")
"""The suite says the same of the same code, on any machine. Who looks for what nobody has seen asks for it:
`make hunt`, which is these properties with `fresh` examples."""

hypothesis.settings.register_profile(
    "verdict", phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate], derandomize=True
)
"""For `tests/planted`: whether something fails is all that is asked, and the same every time."""


@pytest.fixture(scope="session")
def product() -> Product:
    target = os.environ.get("OTTLA_TEST_TARGET", "ottla")
    if target not in ("ottla", "apache"):
        raise pytest.UsageError(f"OTTLA_TEST_TARGET is {target!r}: ottla or apache")
    return ottla() if target == "ottla" else apache_kafka.product()


@pytest.fixture
def node(product: Product, tmp_path: Path) -> Iterator[Node]:
    """A node of its own for a test that is rough with it; not started yet."""
    own = Node(tmp_path / "node", product)
    yield own
    own.kill()
