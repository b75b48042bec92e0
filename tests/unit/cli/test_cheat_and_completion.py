"""The cheat sheet says only what the commands understand; shells complete commands."""

from __future__ import annotations

import re
import shlex

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from ottla.cli import completion
from ottla.cli.cheat import SHEET
from ottla.cli.main import main

OURS = [each.ours for sheet in SHEET.values() for each in sheet]


@pytest.mark.parametrize("line", OURS)
def test_every_line_of_the_sheet_is_understood(line: str) -> None:
    words = shlex.split(line)[1:]
    context = click.Context(main, info_name="ottla")
    command: click.Command = main
    while isinstance(command, click.Group):
        name, found, words = command.resolve_command(context, words)
        assert found is not None
        context = click.Context(found, parent=context, info_name=name)
        command = found
    command.make_parser(context).parse_args(words)


def test_the_sheet_is_printed_by_subject() -> None:
    found = CliRunner().invoke(main, ["cheat", "groups"])
    assert "ottla group seek g --to @-15m" in found.stdout
    assert "ottla topic" not in found.stdout
    assert CliRunner().invoke(main, ["cheat", "nothing"]).exit_code == 3


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_each_shell_gets_its_script(shell: str) -> None:
    script = CliRunner().invoke(main, ["completion", shell])
    assert script.exit_code == 0
    assert re.search(rf"_OTTLA_COMPLETE={shell}_complete", script.stdout)


def completed(*words: str) -> list[str]:
    *args, start = words
    found = ShellComplete(main, {}, "ottla", "_OTTLA_COMPLETE").get_completions(args, start)
    return [each.value for each in found]


def test_commands_and_options_are_completed() -> None:
    assert completed("to") == ["topic"]
    assert completed("group", "s") == ["seek"]
    assert "--undo-file" in completed("group", "seek", "--u")


def test_topics_and_groups_are_completed_from_the_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def answer(target: object, work: object) -> list[str]:
        asked.append(target)
        return ["orders", "other", "billing"]

    monkeypatch.setattr(completion, "ask", answer)
    assert completed("topic", "describe", "-b", "k1:9092", "o") == ["orders", "other"]
    assert getattr(asked[0], "bootstrap", None) == "k1:9092"
    assert completed("group", "seek", "b") == ["billing"]
    assert completed("consume", "or") == ["orders"]


def test_a_cluster_that_does_not_answer_completes_nothing() -> None:
    assert completed("topic", "describe", "-b", "127.0.0.1:1", "o") == []
