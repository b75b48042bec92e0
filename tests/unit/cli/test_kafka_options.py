"""Options as Kafka's tools read them."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from ottla.cli.kafka.groups.resetting import datetime_ms, duration_ms
from ottla.cli.kafka.options import BOOTSTRAP, BadArgument, Ended, Option, Options
from ottla.cli.main import main

OPTIONS = Options(
    "What it is for.",
    (
        BOOTSTRAP,
        Option("topic", "topic", "A topic."),
        Option("force", None, "Do it."),
        Option("state", "s", "S.", True),
    ),
)


def test_values_stand_behind_a_blank_or_an_equals_sign() -> None:
    given = OPTIONS.parse(["--topic", "a", "--topic=b", "--force", "--bootstrap-server=k:1"])
    assert given.all("topic") == ["a", "b"]
    assert given.one("bootstrap-server") == "k:1"
    assert "force" in given
    assert "state" not in given
    assert given.one("state") is None


def test_a_value_that_may_be_left_out() -> None:
    assert OPTIONS.parse(["--state"]).one("state") == ""
    assert OPTIONS.parse(["--state", "--force"]).one("state") == ""
    assert OPTIONS.parse(["--state", "Empty"]).one("state") == "Empty"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--nonsense"], "nonsense is not a recognized option"),
        (["--top", "a"], "top is not a recognized option"),
        (["--topic"], "Option topic requires an argument"),
        (["--topic", "--force"], "Option topic requires an argument"),
        (["--force=yes"], "Option force does not take an argument"),
        (["-x"], "-x is not a recognized option"),
        ([], "What it is for."),
        (["--help"], "What it is for."),
    ],
)
def test_what_cannot_be_read_ends_with_what_can_be_given(words: list[str], said: str) -> None:
    with pytest.raises(Ended) as ended:
        OPTIONS.parse(words)
    assert ended.value.code == 1
    assert ended.value.text.startswith(f"{said}\nOption ")
    assert "--bootstrap-server <server to connect to>" in ended.value.text


def test_arguments_are_judged_when_they_are_used() -> None:
    given = OPTIONS.parse(["--topic", "a", "--topic", "b", "--state", "many"])
    with pytest.raises(BadArgument, match="multiple arguments for option topic"):
        given.one("topic")
    with pytest.raises(BadArgument, match="Cannot parse argument 'many' of option state"):
        given.number("state")


@pytest.mark.parametrize(
    ("text", "ms"),
    [("PT15M", 900_000), ("P1DT2H", 93_600_000), ("PT0.5S", 500), ("-PT1S", -1000), ("p2d", 172_800_000)],
)
def test_durations(text: str, ms: int) -> None:
    assert duration_ms(text) == ms


@pytest.mark.parametrize("text", ["", "P", "PT", "15m", "P1Y", "PT1H1H", "PT" + "9" * 10_000])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="Duration"):
        duration_ms(text)


def test_moments() -> None:
    assert datetime_ms("2020-01-01T00:00:00.000") == 1_577_836_800_000
    with pytest.raises(ValueError, match="Unparseable date"):
        datetime_ms("yesterday")


def test_a_tool_that_is_not_here_is_named_with_those_that_are() -> None:
    done = CliRunner().invoke(main, ["kafka", "kafka-nothing"])
    assert done.exit_code == 3
    assert "kafka-topics" in done.stderr
    assert "kafka-topics" in CliRunner().invoke(main, ["kafka"]).stdout
    assert CliRunner().invoke(main, ["kafka", "kafka-topics.sh", "--nonsense"]).exit_code == 1
