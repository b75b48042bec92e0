"""Log levels that change while the node runs."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from ottla.broker.config.loggers import apply_levels, check_levels, levels
from ottla.core.model.errors import KafkaError
from ottla.core.model.settings.alter import APPEND, DELETE, SET

NAME = "ottla.test_of_levels"


@pytest.fixture(autouse=True)
def _levels_restored() -> Iterator[None]:
    logger, root = logging.getLogger(NAME), logging.getLogger()
    before = root.level
    yield
    logger.setLevel(logging.NOTSET)
    root.setLevel(before)


def test_every_logger_of_ours_shows_the_level_that_counts() -> None:
    logging.getLogger().setLevel(logging.WARNING)
    shown = levels()
    assert next(iter(shown)) == "root"
    assert shown["root"] == shown[NAME] == "WARN"
    assert all(name == "root" or name.startswith("ottla") for name in shown)


def test_a_level_is_set_and_given_back() -> None:
    change = (NAME, SET, "TRACE")
    check_levels(1, "1", [change])
    apply_levels([change])
    assert levels()[NAME] == "TRACE"
    apply_levels([(NAME, DELETE, None)])
    assert levels()[NAME] == levels()["root"]


@pytest.mark.parametrize(
    ("resource", "change", "why"),
    [
        ("2", (NAME, SET, "INFO"), "Unexpected node id. Expected 1, but received 2"),
        ("x", (NAME, SET, "INFO"), "Node id must be an integer, but it is: x"),
        ("1", ("ottla.no.such", SET, "INFO"), "Logger ottla.no.such does not exist!"),
        ("1", (NAME, SET, "LOUD"), "not a supported log level"),
        ("1", ("root", DELETE, None), "Removing the log level of the root logger is not allowed"),
        ("1", (NAME, APPEND, "INFO"), "APPEND operation is not allowed"),
        ("1", (NAME, 9, "INFO"), "Unknown operation type 9 is not allowed"),
    ],
)
def test_wrong_changes_are_refused(resource: str, change: tuple[str, int, str | None], why: str) -> None:
    with pytest.raises(KafkaError) as raised:
        check_levels(1, resource, [change])
    assert why in raised.value.text
