"""The command line itself: help without weight, errors with hints, exit codes."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from ottla.broker.auto_create import INTERNAL
from ottla.cli.dev import banner, chosen_ports, dev_properties
from ottla.cli.explaining import advice
from ottla.cli.main import COMMANDS, main
from ottla.cli.options import key_values

HEAVY = ("asyncio", "msgspec", "logging", "ssl", "ottla.core", "ottla.world", "ottla.broker", "ottla.client")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, ottla.cli.main\n"
        "try: ottla.cli.main.main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(*sys.modules, sep='\\n', file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Commands:" in done.stdout
    loaded = set(done.stderr.splitlines())
    assert not [name for name in HEAVY if name in loaded]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says_of_itself(name: str) -> None:
    with click.Context(main) as ctx:
        command = main.get_command(ctx, name)
    assert command is not None
    assert command.help is not None
    words = COMMANDS[name].summary.lower().replace("a topic", "topic").rstrip(".").split()
    own = command.help.lower().splitlines()[0]
    assert [word for word in words if word.strip(",") not in own] == [], own


@pytest.mark.parametrize(
    ("args", "code", "error", "hint"),
    [
        (["tpic"], 2, "no such command 'tpic'. Did you mean 'topic'?", "`ottla --help`"),
        (["topic", "crate"], 2, "no such command 'crate'. Did you mean 'create'?", "`ottla topic --help`"),
        (["topic", "create"], 2, "Missing argument 'NAME...'", "`ottla topic create --help`"),
        (["topic", "list", "-b", "localhost:1"], 1, "no broker can be reached", "ottla dev"),
        (["topic", "list", "-X", "nonsense"], 2, "-X 'nonsense' is not KEY=VALUE", "--help"),
        (["topic", "list", "-X", "ssl.key=1"], 2, "ssl.key is not supported yet", "PLAINTEXT"),
        (["topic", "list", "--command-config", "/nowhere"], 2, "cannot read /nowhere", "check the path"),
        (["topic", "delete", "a"], 2, "Nobody is there to ask", "-y"),
        (["produce"], 2, "name a topic", "--help"),
        (["produce", "a", "-f", "%k%v"], 2, "two verbs need text between them", "--help"),
        (["produce", "a", "-K", ":", "-f", "%k %v"], 2, "-K and -f", "--help"),
        (["consume", "a", "--offset", "somewhere"], 2, "'somewhere' is no offset", "--help"),
        (["consume", "a", "-o", "end"], 2, "-o end: that is an offset", "--offset end"),
        (["consume", "a", "-o", "@-1h:"], 2, "that is an offset", "--offset @-1h:"),
        (["consume", "a", "-o", "csv"], 2, "'csv' is not one of", "--help"),
        (["topic", "create", "a", "-c", "no-such-context"], 3, "there is no context", "context list"),
        (["consume", "a", "-p", "x"], 2, "not a list of partition numbers", "--help"),
        (["consume", "a", "-f", "%q"], 2, "%q means nothing here", "--help"),
        (["consume", "a", "-o", "json", "-f", "%v"], 2, "two ways to print", "--help"),
        (["server", "/nowhere"], 2, "/nowhere does not exist", "check the path"),
        (["storage", "format", "-t", "x", "-c", "/nowhere", "-s", "-N"], 2, "exclude each other", "--help"),
    ],
)
def test_every_error_has_a_code_and_a_hint(args: list[str], code: int, error: str, hint: str) -> None:
    done = CliRunner().invoke(main, args)
    assert done.exit_code == code, done.output
    assert done.stdout == ""
    said, advised = done.stderr.strip().splitlines()[-2:]
    assert said.startswith("error: ")
    assert error in said
    assert advised.startswith("hint: ")
    assert hint in advised


def test_random_uuid_is_one_that_a_command_line_takes() -> None:
    texts = [CliRunner().invoke(main, ["storage", "random-uuid"]).stdout.strip() for _ in range(50)]
    assert all(len(text) == 22 and not text.startswith("-") for text in texts)
    assert len(set(texts)) == 50


def test_the_banner_says_what_to_type_next() -> None:
    usual = banner(9092, 9644, kept=None, ready_ms=321)
    assert "kafka    localhost:9092" in usual
    assert "--data-dir DIR keeps them" in usual
    assert "echo hello | ottla produce orders\n" in usual
    moved = banner(9094, 9645, kept="/data", ready_ms=321)
    assert "ottla consume orders -n 1 -b localhost:9094" in moved
    assert "data kept in /data" in moved


def test_dev_ports_differ_and_a_taken_one_is_passed_over() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(click.ClickException, match=f"port {port} is taken"):
            chosen_ports(port)
    ports = chosen_ports(None)
    assert len(set(ports)) == 3
    assert "127.0.0.1" in dev_properties("/data", *ports)["listeners"]


def test_a_dev_node_needs_no_other_for_its_coordinators() -> None:
    properties = dev_properties("/data", 1, 2, 3)
    for topic in INTERNAL.values():
        assert properties[topic.replicas] == "1"
        assert topic.min_isr is None or properties[topic.min_isr] == "1"


def test_exit_codes_of_kafkas_errors() -> None:
    codes = {
        "UNKNOWN_TOPIC_OR_PARTITION": 3,
        "TOPIC_AUTHORIZATION_FAILED": 4,
        "SASL_AUTHENTICATION_FAILED": 4,
        "REQUEST_TIMED_OUT": 5,
        "INVALID_CONFIG": 1,
    }
    assert {name: advice(name)[0] for name in codes} == codes


def test_key_values() -> None:
    assert key_values(("a=b=c", " d = e "), "-X") == {"a": "b=c", "d": "e"}
