"""Which cluster a command line means: flags, contexts, the environment, and which of them comes first."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ottla.cli.contexts import Contexts, contexts_file, contexts_in_file, write_contexts
from ottla.cli.problems import NOT_FOUND, USAGE, Problem
from ottla.cli.target import Target, properties_of

SERVERS = "bootstrap.servers"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user with two contexts, `dev` in use, and nothing in the environment."""
    for name in ("OTTLA_BOOTSTRAP_SERVERS", "KAFKA_BOOTSTRAP_SERVERS", "OTTLA_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    known = {"dev": {SERVERS: "dev:1", "client.id": "me"}, "prod": {SERVERS: "prod:1"}}
    write_contexts(contexts_file(os.environ), Contexts("dev", known))
    return tmp_path


def test_a_context_is_in_use_or_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert properties_of(Target()) == {SERVERS: "dev:1", "client.id": "me"}
    assert properties_of(Target(context="prod"))[SERVERS] == "prod:1"
    monkeypatch.setenv("OTTLA_CONTEXT", "prod")
    assert properties_of(Target())[SERVERS] == "prod:1"
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "env:1")
    assert properties_of(Target()) == {SERVERS: "env:1"}
    assert properties_of(Target(context="dev"))[SERVERS] == "dev:1"


def test_what_secures_one_cluster_is_not_sent_to_another(home: Path) -> None:
    assert properties_of(Target(bootstrap="other:1")) == {SERVERS: "other:1"}
    assert properties_of(Target(extra=(f"{SERVERS}=other:1",))) == {SERVERS: "other:1"}


def test_a_named_context_is_below_the_rest_of_the_command_line(home: Path) -> None:
    file = home / "client.properties"
    file.write_text("client.id=file\nretry.backoff.ms=7\n")
    found = properties_of(Target("b:1", "dev", ("client.id=x",), str(file)))
    assert found == {SERVERS: "b:1", "client.id": "x", "retry.backoff.ms": "7"}


def test_a_context_that_is_not_there(home: Path) -> None:
    with pytest.raises(Problem, match="no context 'prd'") as caught:
        properties_of(Target(context="prd"))
    assert (caught.value.code, caught.value.hint) == (NOT_FOUND, "did you mean prod?")
    os.unlink(contexts_file(os.environ))
    assert properties_of(Target()) == {SERVERS: "localhost:9092"}


def test_the_file_is_its_owners_and_reads_back(home: Path) -> None:
    path = contexts_file(os.environ)
    odd = Contexts(None, {'a "b"': {"client.id": 'x\n\x7f\\"', SERVERS: "h:1"}, "é.f": {}})
    write_contexts(path, odd)
    assert contexts_in_file(path) == odd
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_what_others_could_read_stays_with_them(home: Path) -> None:
    path = contexts_file(os.environ)
    for name in (path, f"{path}.new"):
        Path(name).write_text("")
        os.chmod(name, 0o644)
    write_contexts(path, Contexts(None, {"prod": {"client.id": "me"}}))
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert not [name for name in os.listdir(os.path.dirname(path)) if name.startswith("tmp")]


def test_dots_need_no_quotes(home: Path) -> None:
    path = Path(contexts_file(os.environ))
    path.write_text('[contexts.dev]\nbootstrap.servers = "h:1"\nretry.backoff.ms = 7\n')
    assert contexts_in_file(str(path)).known == {"dev": {SERVERS: "h:1", "retry.backoff.ms": "7"}}


@pytest.mark.parametrize("text", ["[", "contexts = 3", "[contexts]\na = 1", "current = 3"])
def test_a_file_that_holds_something_else(home: Path, text: str) -> None:
    path = Path(contexts_file(os.environ))
    path.write_text(text)
    with pytest.raises(Problem) as caught:
        contexts_in_file(str(path))
    assert caught.value.code == USAGE
