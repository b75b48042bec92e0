"""The table is whole: whatever in the product takes bytes, or parses text, is reached by some decoder's samples."""

from __future__ import annotations

import ast
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

import pytest

import ottla
from ottla.compiled import is_compiled
from ottla.core.wire.apis import API
from tests.fuzz import directories
from tests.fuzz.decoders import OTHERS, SERVING, TABLE, WIRE
from tests.fuzz.serving import stop_serving

SOURCE: Final = Path(ottla.__file__).parent
BYTES: Final = ("bytes", "memoryview", "Buffer")
READERS: Final = ("parse", "read", "decode", "from", "load")

NOT_FROM_OUTSIDE: Final = {
    # What the node itself has made or holds, on its way out.
    "cli/template.py": ("literal", "length"),
    "cli/printing.py": ("_write",),
    # What this run has written itself.
    "cli/bench/e2e.py": ("until_seen",),
    # Fields of records that have been read.
    "cli/topic/distinct.py": ("add",),
    # A directory's name; what lies in it has rows.
    "cli/metadata/dump.py": ("read_image",),
    "client/producing/batches.py": ("estimate",),
    # Secrets that a caller hands in, on their way out.
    "client/admin/credentials.py": ("salted", "renew_delegation_token", "expire_delegation_token"),
    # The bytes of an assignment on their way to `read_assignment`.
    "client/consuming/classic.py": ("assigned",),
    "client/groups/member.py": ("_sync",),
    "client/groups/owner.py": ("assigned",),
    "client/producing/partitioner.py": ("murmur2", "partition_of_key", "crc32_partition", "__call__"),
    "client/producing/placing.py": ("place", "extend", "partitions_of", "_choose", "_asked"),
    "client/producing/producer.py": ("send_columns", "_send_rows"),
    "client/producing/outgoing.py": ("raw", "largest_row"),
    # The protocols of what a caller gives, and the way out; the kinds that are here have a row.
    "client/serialization.py": ("serialize", "deserialize"),
    "broker/monitoring/port.py": ("_reply",),
    "broker/sharing/fetching.py": ("__init__",),
    "broker/sharing/reading.py": ("__init__",),
    "broker/quorum/checkpoints.py": ("write_checkpoint", "write_beside"),
    "broker/quorum/writer.py": ("append",),
    "broker/storage/cleaner.py": ("_run_child",),
    "broker/storage/moving.py": ("_append",),
    "broker/storage/cleaned.py": ("append", "_store"),
    "broker/storage/directory.py": ("write_file", "replace_file", "read_error"),
    # A hash over what the node knows of its topics.
    "core/groups/xxh3.py": (
        "xxh3",
        "_u64",
        "_u32",
        "_mixed",
        "_short",
        "_middle",
        "_long",
        "_longest",
        "_swallow",
    ),
    "core/log/names.py": ("marked_directory",),
    "core/metadata/scram.py": ("keys_of",),
    "core/records/build.py": ("extend", "encode_body"),
    "core/records/stamping.py": ("stamp", "rewrite"),
    "core/records/crc.py": ("over_bytes",),
    "core/records/lz4.py": ("compress",),
    "core/wire/frames.py": ("__init__",),
    "world/doors.py": ("write", "child"),
    "world/real/child.py": ("run_child", "send"),
    "world/real/connection.py": ("_send_one", "_gather"),
    "world/real/disk.py": ("child",),
    "world/real/files.py": ("write", "_write_rest"),
    "broker/storage/appending.py": ("_take_coordinator_batch",),
    # A question about a batch that `records headers` decodes, asked when a request is refused for another reason.
    "broker/apis/produce.py": ("opens",),
    # A protocol of what a partition does.
    "broker/coordination/ledger.py": ("append",),
    # Plans and results between the node and child processes of its own.
    "broker/storage/cleaning_child.py": ("clean",),
    "broker/storage/recovery.py": ("_result", "recover_in_child", "decode_plan", "decode_recovered"),
    # Paths and names of files; what they hold is read by decoders of the table.
    "broker/config/load.py": ("load", "read_text"),
    "cli/options.py": ("read_text",),
    "cli/server.py": ("read_settings",),
    # Cut at a delimiter; each line goes through `draft_of`.
    "cli/produce.py": ("lines",),
    # Words of the declarations.
    "core/wire/declaration.py": ("parse",),
}
"""Functions that take bytes (or are called like parsers) and that nobody outside feeds."""


def takers(path: Path) -> Iterator[tuple[str, int]]:
    """Functions that take bytes, or are called like a parser of text; with the line they begin in."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            hints = [
                ast.unparse(each.annotation)
                for each in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
                if each.annotation is not None
            ]
            parses = node.name.lstrip("_").startswith(READERS) and hints and hints[0] == "str"
            if parses or any(word in hint for hint in hints for word in BYTES):
                first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
                yield node.name, first


def entered() -> set[tuple[str, int]]:
    """(file, first line) of every function that runs while the samples are decoded."""
    seen: set[CodeType] = set()

    def watch(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            seen.add(frame.f_code)

    directories.written.cache_clear()
    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        for decoder in (*OTHERS, *WIRE[::7], *SERVING):
            for sample in decoder.samples()[:60]:
                with contextlib.suppress(*decoder.refuses):
                    decoder.decode(sample)
    finally:
        sys.setprofile(before)
        stop_serving()
    return {(code.co_filename, code.co_firstlineno) for code in seen}


@pytest.mark.skipif(
    is_compiled(), reason="compiled functions are not seen by a profiler: needs a source checkout"
)
def test_every_decoder_has_a_row() -> None:
    reached = entered()
    missing = []
    for path in sorted(SOURCE.rglob("*.py")):
        if path.is_relative_to(SOURCE / "sim"):
            continue
        name = path.relative_to(SOURCE).as_posix()
        exempt = NOT_FROM_OUTSIDE.get(name, ())
        missing += [
            f"{name}:{line} {function}"
            for function, line in takers(path)
            if function not in exempt and (str(path), line) not in reached
        ]
    assert not missing, "no row of tests/fuzz/decoders.py reaches " + ", ".join(missing)


def test_exemptions_are_about_functions_that_exist() -> None:
    for name, functions in NOT_FROM_OUTSIDE.items():
        there = {function for function, _ in takers(SOURCE / name)}
        assert there >= set(functions), f"{name}: {sorted(set(functions) - there)}"


def test_every_api_is_read_in_every_version_on_both_sides() -> None:
    for api in API.values():
        for side in (api.request, api.response):
            for version in side.wire.versions.each():
                assert f"wire {side.__name__} {version}" in TABLE
