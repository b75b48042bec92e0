"""Marks this tier, and names the two products a directory travels between."""

from __future__ import annotations

import pytest

from tests import apache_kafka
from tests.nodes import Product


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "reach" in item.path.parts:
            item.add_marker(pytest.mark.reach)


@pytest.fixture(scope="session")
def apache() -> Product:
    return apache_kafka.product()
