"""`ottla context`: a file of the user's, that nobody else can read."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ottla.cli.main import main


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("OTTLA_CONTEXT", "OTTLA_BOOTSTRAP_SERVERS", "KAFKA_BOOTSTRAP_SERVERS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def ottla(*args: str) -> Result:
    return CliRunner().invoke(main, args)


def code(*args: str) -> int:
    """The exit code, as a shell would see it."""
    return ottla(*args).exit_code


def test_clusters_get_names(home: Path) -> None:
    assert code("context", "add", "dev", "-b", "localhost:9092") == 0
    assert code("context", "add", "prod", "-b", "k1:9092,k2:9092", "-X", "client.id=ops") == 0
    listed = ottla("context", "list", "-o", "wide").stdout.splitlines()
    assert [line.split()[:2] for line in listed[1:]] == [["dev", "yes"], ["prod", "no"]]
    assert "client.id=ops" in listed[2]
    assert code("context", "use", "prod") == 0
    assert ottla("context", "list", "-o", "name").stdout.split() == ["dev", "prod"]
    file = home / "ottla" / "contexts.toml"
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    assert 'current = "prod"' in file.read_text()
    assert code("context", "remove", "prod") == 0
    assert "current" not in file.read_text()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("add", "a b", "-b", "x:1"), "names are 1 to 64 letters"),
        (("add", "dev"), "say where the cluster is"),
        (("add", "dev", "-b", "x:1"), "there is a context dev already"),
        (("add", "new", "-b", "x:1", "-X", "no.such.setting=1"), "no.such.setting"),
        (("show", "dve"), "there is no context 'dve'"),
        (("use", "dve"), "there is no context 'dve'"),
        (("remove", "dve"), "there is no context 'dve'"),
    ],
)
def test_what_cannot_be_is_refused(args: tuple[str, ...], said: str) -> None:
    assert code("context", "add", "dev", "-b", "localhost:9092") == 0
    result = ottla("context", *args)
    assert result.exit_code != 0
    assert said in result.stderr


def test_what_is_kept_under_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = ottla("context", "show")
    assert (nothing.exit_code != 0, "no context is in use" in nothing.stderr) == (True, True)
    assert code("context", "add", "dev", "-b", "h:1") == 0
    assert code("context", "add", "prod", "-b", "k:1", "-X", "client.id=ops") == 0
    assert ottla("context", "show").stdout.split() == ["name", "dev", "bootstrap.servers", "h:1"]
    (row,) = json.loads(ottla("context", "show", "prod", "-o", "json").stdout)
    assert row == {"name": "prod", "properties": {"bootstrap.servers": "k:1", "client.id": "ops"}}
    monkeypatch.setenv("OTTLA_CONTEXT", "prod")
    assert "ops" in ottla("context", "show").stdout


def test_secrets_are_not_shown() -> None:
    from ottla.cli.context import shown

    assert shown({"sasl.jaas.config": "x", "ssl.key.password": "y", "client.id": "z"}) == {
        "sasl.jaas.config": "(hidden)",
        "ssl.key.password": "(hidden)",
        "client.id": "z",
    }
