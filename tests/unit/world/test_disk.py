"""The real disk: a bounded number of open files, and work in a child process."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from ottla.world.doors import FileSlice
from ottla.world.real import page_cache
from ottla.world.real.disk import RealDisk


def echo(plan: bytes, progress: Callable[[str], None]) -> bytes:
    """An entry for a child: says hello, and what it prints does not get between the frames."""
    print("noise")
    progress("half")
    return plan[::-1]


def fail(plan: bytes, progress: Callable[[str], None]) -> bytes:
    raise ValueError(f"cannot do {plan.decode()}")


def die(plan: bytes, progress: Callable[[str], None]) -> bytes:
    os.kill(os.getpid(), signal.SIGKILL)
    return b""


def say_pid_and_wait(plan: bytes, progress: Callable[[str], None]) -> bytes:
    progress(str(os.getpid()))
    signal.pause()
    return b""


@pytest.fixture
def disk() -> RealDisk:
    return RealDisk(open_files=8)


def test_parts_are_written_in_order_where_they_belong(disk: RealDisk, tmp_path: Path) -> None:
    file = disk.open(f"{tmp_path}/a", create=True)
    file.write([b"he", memoryview(b"xllo")[1:]], 0)
    file.write([b"!"] * 3000, 5)
    assert (file.read(5, 0), file.size()) == (b"hello", 3005)
    assert file.read(100, 3000) == b"!!!!!"
    file.truncate(2)
    assert disk.size(f"{tmp_path}/a") == 2
    file.close()
    with pytest.raises(ValueError, match="closed"):
        file.read(1, 0)
    with pytest.raises(FileNotFoundError) as missing:
        disk.open(f"{tmp_path}/missing")
    # What is gone may be no fault (a topic deleted while it is cleaned), so the number has to tell it from one.
    assert missing.value.errno == errno.ENOENT


def test_files_beyond_the_bound_are_reopened_when_needed(disk: RealDisk, tmp_path: Path) -> None:
    files = [disk.open(f"{tmp_path}/{number}", create=True) for number in range(30)]
    for number, file in enumerate(files):
        file.write([b"%02d" % number], 0)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        assert [file.read(2, 0) for file in files] == [b"%02d" % number for number in range(30)]
    assert len(os.listdir("/proc/self/fd")) <= before
    assert len(disk._open_files) <= 8


def test_a_pinned_file_outlives_its_owner_and_its_name(disk: RealDisk, tmp_path: Path) -> None:
    file = disk.open(f"{tmp_path}/a", create=True)
    file.write([b"still here"], 0)
    piece = FileSlice(file, 6, 4)
    disk.remove(f"{tmp_path}/a")
    file.close()
    for number in range(20):
        disk.open(f"{tmp_path}/{number}", create=True)
    assert os.pread(file.fileno(), 4, piece.position) == b"here"
    piece.release()
    piece.release()
    with pytest.raises(ValueError, match="closed"):
        file.read(1, 0)


def test_what_the_disk_alone_holds_is_cold(disk: RealDisk, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(1 << 20))
    file = disk.open(str(path))
    file.sync_now()
    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    if file.is_warm(1, 0):
        pytest.skip("needs a file system that lets go of its pages")
    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)  # no read-ahead
    file.read(4096, 512 << 10)
    assert file.is_warm(4096, 512 << 10)
    assert not file.is_warm(1 << 20, 0)
    file.read(1 << 20, 0)
    assert file.is_warm(1 << 20, 0)


@pytest.mark.parametrize("kernel", [None, lambda *_: -1, lambda *_: 0])
def test_a_kernel_that_does_not_count_is_asked_by_samples(
    kernel: object, disk: RealDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_cache, "_syscall", kernel)
    assert page_cache.holds(0, 10, 0) is None
    (tmp_path / "file").write_bytes(bytes(300_000))
    assert disk.open(str(tmp_path / "file")).is_warm(300_000, 0)


def test_what_was_just_written_is_warm(disk: RealDisk, tmp_path: Path) -> None:
    file = disk.open(f"{tmp_path}/a", create=True)
    file.write([b"x" * 300_000], 0)
    assert file.is_warm(300_000, 0)
    assert file.read_warm(300_000, 0) == b"x" * 300_000
    assert asyncio.run(file.read_cold(10, 299_995)) == b"x" * 5


def test_a_directory_has_one_owner(disk: RealDisk, tmp_path: Path) -> None:
    lock = disk.lock(f"{tmp_path}/.lock")
    with pytest.raises(BlockingIOError, match="locked"):
        RealDisk().lock(f"{tmp_path}/.lock")
    lock.release()
    disk.lock(f"{tmp_path}/.lock").release()


def test_syncing_a_volume(disk: RealDisk, tmp_path: Path) -> None:
    disk.open(f"{tmp_path}/a", create=True).write([b"x"], 0)
    asyncio.run(disk.sync_volume(str(tmp_path)))
    total, usable = disk.usage(str(tmp_path))
    assert total >= usable > 0


def test_a_child_answers_fails_or_dies(disk: RealDisk) -> None:
    said: list[str] = []
    module = "tests.unit.world.test_disk"

    async def scenario() -> None:
        assert await disk.child(f"{module}:echo", b"abc" * 100_000, said.append) == b"cba" * 100_000
        with pytest.raises(RuntimeError, match="ValueError: cannot do that"):
            await disk.child(f"{module}:fail", b"that")
        with pytest.raises(RuntimeError, match="ended with status -9"):
            await disk.child(f"{module}:die", b"")

    asyncio.run(scenario())
    assert said == ["half"]


def test_a_child_ends_when_nobody_waits_for_it(disk: RealDisk) -> None:
    async def scenario() -> int:
        pid: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        entry = "tests.unit.world.test_disk:say_pid_and_wait"
        task = asyncio.create_task(disk.child(entry, b"", pid.set_result))
        number = int(await pid)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return number

    number = asyncio.run(scenario())
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


def test_a_file_can_be_made_older(tmp_path: Path) -> None:
    disk = RealDisk()
    path = str(tmp_path / "file")
    disk.open(path, create=True).close()
    disk.set_modified(path, 1_234_567_890_123)
    assert disk.modified(path) == 1_234_567_890_123
    disk.close()
