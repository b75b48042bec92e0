"""`storage format` and `storage info` of both products, on the same properties: the same files, words and exit codes."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.java_tools import Done, Workbench, workbench
from tests.nodes import CLUSTER_ID, ottla

pytestmark = pytest.mark.timeout(120)

OTHER_ID = "MvDxzVmcRsaTz33bUuRU6A"
BASE = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "listeners": "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093",
    "advertised.listeners": "PLAINTEXT://127.0.0.1:9092",
    "controller.listener.names": "CONTROLLER",
}
STATIC = {"controller.quorum.voters": "1@127.0.0.1:9093"}
DYNAMIC = {"controller.quorum.bootstrap.servers": "127.0.0.1:9093"}
ALICE = (
    'SCRAM-SHA-256=[name=alice,salt="MWx2NHBkbnc0ZndxN25vdGN4bTB5eTFrN3E=",password=secret,iterations=4096]'
)
BOB = 'SCRAM-SHA-512=[name=bob,iterations=8192,salt="N3E=",saltedpassword="YCE="]'
DIFFERS = re.compile(r'(CreateTime|crc): \d+|("lastContainedLogTimestamp"):\d+|("voterDirectoryId"):"[^"]*"')
"""What no two runs have in common. Kafka's dump shows the ids of `--initial-controllers` nowhere else."""


@dataclass
class Directory:
    """A node's directories, to be formatted by one product. `run` says what it printed about `HERE`."""

    home: Path
    product: str
    java: Workbench

    def run(self, command: str, properties: dict[str, str], *args: str) -> Done:
        self.home.mkdir(exist_ok=True)
        config = self.home / "server.properties"
        every = {"log.dirs": f"{self.home}/one", **BASE, **properties}
        config.write_text(
            "".join(f"{key}={value.replace('HERE', str(self.home))}\n" for key, value in every.items())
        )
        words = [command, *args, "-c", str(config)]
        if self.product == "apache":
            done = self.java.run("kafka.tools.StorageTool", *words)
        else:
            command_line = [*ottla().format[:-1], *words]
            ended = subprocess.run(command_line, capture_output=True, text=True, timeout=30, check=False)
            done = Done(ended.returncode, ended.stdout, ended.stderr)
        return Done(done.code, self._anywhere(done.out), self._anywhere(done.err))

    def _anywhere(self, text: str) -> str:
        return text.replace(str(self.home), "HERE")

    def contents(self) -> dict[str, object]:
        """Every file by its relative path: checkpoints as Kafka's dump shows them, texts as their lines."""
        found: dict[str, object] = {}
        for path in sorted(self.home.rglob("*")):
            name = str(path.relative_to(self.home))
            if path.is_dir():
                found[name] = None
            elif path.suffix == ".checkpoint":
                main = "org.apache.kafka.tools.DumpLogSegments"
                shown = self.java.run(main, "--files", str(path), "--cluster-metadata-decoder")
                assert shown.code == 0 and not shown.err, shown.err
                found[name] = DIFFERS.sub(
                    lambda match: match.group(0).split(":")[0], self._anywhere(shown.out)
                )
            else:
                lines = (
                    re.sub(r"^(directory\.id)=.{22}$", r"\1", line) for line in path.read_text().split("\n")
                )
                found[name] = sorted(self._anywhere(line) for line in lines if not line.startswith("#"))
        return found


@pytest.fixture(scope="module")
def java() -> Iterator[Workbench]:
    with workbench() as bench:
        yield bench


@pytest.fixture
def both(java: Workbench, tmp_path: Path) -> tuple[Directory, Directory]:
    return Directory(tmp_path / "apache", "apache", java), Directory(tmp_path / "ottla", "ottla", java)


Both = tuple[Directory, Directory]


@pytest.mark.parametrize(
    ("properties", "args"),
    [
        (STATIC, []),
        (STATIC, ["-r", "3.5"]),
        (STATIC, ["-r", "3.3"]),
        (STATIC, ["-r", "3.9", "-f", "share.version=1"]),
        (STATIC, ["-f", "metadata.version=20"]),
        (STATIC, ["-f", "group.version=0"]),
        (STATIC, ["-f", "transaction.version=1", "-f", "share.version=0"]),
        (STATIC | {"log.dirs": "HERE/one,HERE/two", "metadata.log.dir": "HERE/three"}, []),
        (DYNAMIC, ["-s"]),
        (DYNAMIC, ["-s", "-f", "kraft.version=1", "-r", "4.0"]),
        (DYNAMIC, ["-s", "-r", "3.9-IV0"]),
        (DYNAMIC, ["-N"]),
        (DYNAMIC, ["-I", f"1@127.0.0.1:9093:{CLUSTER_ID}"]),
        (DYNAMIC, ["-I", f"1@127.0.0.1:9093:{CLUSTER_ID},2@there:9093:{OTHER_ID}"]),
    ],
)
def test_formats_to_the_same_files(both: Both, properties: dict[str, str], args: list[str]) -> None:
    theirs, ours = (each.run("format", properties, "-t", CLUSTER_ID, *args) for each in both)
    assert (ours.code, ours.err) == (theirs.code, theirs.err) == (0, "")
    # Kafka takes several directories in the order of a hash table.
    assert ours.out.splitlines()[0] == theirs.out.splitlines()[0]
    assert sorted(ours.out.splitlines()) == sorted(theirs.out.splitlines())
    theirs_in, ours_in = (each.contents() for each in both)
    assert ours_in == theirs_in
    assert len(theirs_in) >= 4


@pytest.mark.parametrize("args", [["-S", ALICE], ["-S", ALICE, "-S", BOB, "-r", "3.9"]])
def test_credentials_come_out_the_same_and_are_not_shown(both: Both, args: list[str]) -> None:
    theirs, ours = (each.run("format", STATIC, "-t", CLUSTER_ID, *args) for each in both)
    assert (ours.code, ours.err) == (theirs.code, theirs.err) == (0, "")
    assert "storedKey" in theirs.out
    assert ours.out == re.sub(r"(name='(?:alice|bob)', )[^)]*", r"\1…", theirs.out)
    theirs_in, ours_in = (each.contents() for each in both)
    assert ours_in == theirs_in
    assert "alice" in str(theirs_in)


def complaint(done: Done) -> str:
    """What a person reads: without Kafka's stack trace, without our mark and hint."""
    line = done.err.splitlines()[0].strip()
    return re.sub(r'^(?:Exception in thread "main" [\w.]+: |error: )', "", line).rstrip(".")


@pytest.mark.parametrize(
    ("properties", "args"),
    [
        (DYNAMIC, []),
        (STATIC, ["-s"]),
        (STATIC, ["-I", f"1@h:9:{CLUSTER_ID}"]),
        (DYNAMIC, ["-s", "-f", "kraft.version=0"]),
        (STATIC, ["-f", "kraft.version=1"]),
        (STATIC, ["-r", "9.9"]),
        (STATIC, ["-r", "3.2"]),
        (STATIC, ["-r", "4.0", "-f", "metadata.version=20"]),
        (STATIC, ["-r", "3.9", "-f", "eligible.leader.replicas.version=1"]),
        (STATIC, ["-f", "nope=1"]),
        (STATIC, ["-f", "nope"]),
        (STATIC, ["-f", "group.version=x"]),
        (STATIC, ["-f", "group.version=9"]),
        (STATIC, ["-r", "3.4", "-S", ALICE]),
        (STATIC, ["-S", "nope"]),
        (STATIC, ["-S", "SCRAM-SHA-1=[name=a,password=b]"]),
        (STATIC, ["-S", "SCRAM-SHA-256=name=a"]),
        (STATIC, ["-S", "SCRAM-SHA-256=[password=a]"]),
        (STATIC, ["-S", "SCRAM-SHA-256=[name=a]"]),
        (STATIC, ["-S", "SCRAM-SHA-256=[name=a,b]"]),
        (STATIC, ["-S", "SCRAM-SHA-256=[name=a,password=b,x=1]"]),
        (STATIC, ["-S", "SCRAM-SHA-256=[name=a,password=b,iterations=5]"]),
        (STATIC, ["-S", "SCRAM-SHA-256=[name=a,password=b,iterations=50000]"]),
        (STATIC, ["-S", "SCRAM-SHA-256=[name=a,password=b,iterations=x]"]),
        (STATIC, ["-S", "SCRAM-SHA-256=[name=a,saltedpassword=b]"]),
        (DYNAMIC, ["-I", ""]),
        (DYNAMIC, ["-I", "nope"]),
        (DYNAMIC, ["-I", "1@h"]),
        (DYNAMIC, ["-I", "1@h:1"]),
        (DYNAMIC, ["-I", "1@h:1:zz"]),
        (DYNAMIC, ["-I", f"x@h:1:{CLUSTER_ID}"]),
        (DYNAMIC, ["-I", f"1@h:y:{CLUSTER_ID}"]),
        (DYNAMIC, ["-I", f"1@h:99999:{CLUSTER_ID}"]),
        (DYNAMIC, ["-I", f"1@h:1:{CLUSTER_ID},1@h:2:{OTHER_ID}"]),
    ],
)
def test_refuses_the_same_in_the_same_words(both: Both, properties: dict[str, str], args: list[str]) -> None:
    theirs, ours = (each.run("format", properties, "-t", CLUSTER_ID, *args) for each in both)
    assert (ours.code, ours.out) == (theirs.code, theirs.out) == (1, "")
    # Where a list was given ours adds which of its parts is wrong.
    assert complaint(ours).startswith(complaint(theirs))
    theirs_in, ours_in = (each.contents() for each in both)
    assert list(ours_in) == list(theirs_in) == ["server.properties"]


@pytest.mark.parametrize("args", [[], ["-t", CLUSTER_ID, "-s", "-N"], ["-t", CLUSTER_ID, "--unknown"]])
def test_refuses_flags_that_make_no_command(both: Both, args: list[str]) -> None:
    for each in both:
        done = each.run("format", DYNAMIC, *args)
        assert done.code != 0 and done.err and not done.out
        assert list(each.contents()) == ["server.properties"]


def test_formats_again_only_where_asked(both: Both) -> None:
    two = STATIC | {"log.dirs": "HERE/one,HERE/two"}
    for properties, args, code in (
        (STATIC, [CLUSTER_ID], 0),
        (STATIC, [CLUSTER_ID], 1),
        (STATIC, [OTHER_ID, "-g"], 1),
        (STATIC | {"node.id": "2", "controller.quorum.voters": "2@127.0.0.1:9093"}, [CLUSTER_ID, "-g"], 1),
        (STATIC, [CLUSTER_ID, "-g"], 0),
        (two, [CLUSTER_ID], 1),
        (two, [CLUSTER_ID, "-g"], 0),
    ):
        theirs, ours = (each.run("format", properties, "-t", *args) for each in both)
        assert (ours.code, ours.out) == (theirs.code, theirs.out), theirs
        assert theirs.code == code, theirs
        if code:
            assert complaint(ours).split(". ")[0] == complaint(theirs).split(". ")[0]
        assert both[1].contents() == both[0].contents()


def test_info_says_the_same(both: Both) -> None:
    def info(properties: dict[str, str]) -> Done:
        theirs, ours = (each.run("info", properties) for each in both)
        ours, theirs = (
            Done(each.code, re.sub(r"(directory\.id)=.{22}", r"\1", each.out), each.err)
            for each in (ours, theirs)
        )
        assert ours == theirs
        return theirs

    two = STATIC | {"log.dirs": "HERE/one,HERE/two"}
    assert "does not exist" in info(STATIC).out
    for each in both:
        assert each.run("format", STATIC, "-t", CLUSTER_ID).code == 0
    assert info(STATIC).code == 0
    for each in both:
        (each.home / "two").mkdir()
    assert "is not formatted" in info(two).out
    for each in both:
        properties = (each.home / "one" / "meta.properties").read_text()
        (each.home / "two" / "meta.properties").write_text(properties.replace(CLUSTER_ID, OTHER_ID))
    assert "Mismatched cluster IDs" in info(two).out
