"""A log on a real disk whose process is killed again and again, once with a torn batch at the end."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ottla.broker.storage import repairing
from ottla.core.records.batch import headers
from tests.system.log_writer import open_store

ROUNDS = 4


def _kill_after(directory: Path, batch_bytes: int, appends: int) -> int:
    """Let a writer append at least so often, kill it, and say what it had last acknowledged."""
    command = [sys.executable, "-m", "tests.system.log_writer", str(directory), str(batch_bytes)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        acknowledged = 0
        for _ in range(appends):
            acknowledged = int(writer.stdout.readline())
        writer.kill()
        for line in writer.stdout:
            if line.endswith("\n"):
                acknowledged = int(line)
    return acknowledged


async def _end(directory: Path) -> int:
    """Open the log, check that every offset is there once and in order, and go without a word."""
    store = await open_store(str(directory))
    log = store.get("orders", 0)
    assert log is not None
    offset = 0
    while offset < log.end_offset:
        read = log.read(offset, 1 << 20)
        assert read.records is not None
        for _, header in headers(read.records.file.read(read.size, read.records.position)):
            assert header.base_offset == offset
            offset = header.next_offset
        read.records.release()
    state = log.producers.get(1)
    assert state is not None and state.last_sequence == log.end_offset - 1
    store.abandon()
    return log.end_offset


def test_a_killed_process_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    for number in range(ROUNDS):
        acknowledged = _kill_after(tmp_path, 500, 300 * (number + 1))
        with open(max(tmp_path.glob("orders-0/*.log")), "ab") as file:
            file.write(os.urandom(100 * number))
        end = asyncio.run(_end(tmp_path))
        assert end in (acknowledged, acknowledged + 1), "the last append may have gone without its line"


def test_a_long_recovery_is_a_childs_and_says_how_far_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repairing, "_PROGRESS_EVERY_MS", 0)
    caplog.set_level(logging.INFO, "ottla.storage")
    acknowledged = _kill_after(tmp_path, 500_000, 150)
    assert asyncio.run(_end(tmp_path)) in (acknowledged, acknowledged + 1)
    said = [record.getMessage() for record in caplog.records]
    assert any(" MB of " in line and line.startswith("Recovering orders-0") for line in said), said
