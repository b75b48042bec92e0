"""Work in a process of its own: the parent's end (`run_child`) and the child's (`python -m ottla.world.real.child`).

A child shares nothing with its parent but two pipes. Down goes the plan, its length first; the pipe then stays open,
so that its end tells the child that the parent is gone, however it went, and the child goes too. Up come frames of
one letter, a length and a body: `P` progress, then `R` the result or `E` the error.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import struct
import sys
import threading
from collections.abc import Callable
from typing import Final

_FRAME: Final = struct.Struct(">cI")
_LENGTH: Final = struct.Struct(">I")


async def run_child(entry: str, plan: bytes, progress: Callable[[str], None] | None = None) -> bytes:
    """Run `entry` ("package.module:function") in a new interpreter. See `world.doors.Disk.child`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ottla.world.real.child",
        entry,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write(_LENGTH.pack(len(plan)) + plan)
        await process.stdin.drain()
        while True:
            kind, size = _FRAME.unpack(await process.stdout.readexactly(_FRAME.size))
            body = await process.stdout.readexactly(size)
            if kind == b"R":
                return body
            if kind == b"E":
                raise RuntimeError(body.decode())
            if progress is not None:
                progress(body.decode())
    except (asyncio.IncompleteReadError, BrokenPipeError, ConnectionResetError) as error:
        raise RuntimeError(f"{entry}: the child process ended with status {await process.wait()}") from error
    finally:
        process.stdin.close()
        if process.returncode is None:
            try:
                await asyncio.wait_for(process.wait(), 5)
            except BaseException:
                process.kill()
                await process.wait()
                raise


def _end_with_parent() -> None:
    """Leave when the pipe from the parent closes."""
    while os.read(0, 1):
        pass
    os._exit(1)


def _read_exactly(count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        chunk = os.read(0, count - len(data))
        if not chunk:
            os._exit(1)
        data += chunk
    return bytes(data)


def main() -> None:
    entry = sys.argv[1]
    # What the work prints must not get between the frames.
    frames = os.dup(1)
    os.dup2(2, 1)
    (length,) = _LENGTH.unpack(_read_exactly(_LENGTH.size))
    plan = _read_exactly(length)
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def send(kind: bytes, body: bytes) -> None:
        rest = memoryview(_FRAME.pack(kind, len(body)) + body)
        while rest:
            rest = rest[os.write(frames, rest) :]

    module, _, function = entry.partition(":")
    try:
        work = getattr(importlib.import_module(module), function)
        result = work(plan, lambda text: send(b"P", text.encode()))
    except Exception as error:
        send(b"E", f"{entry}: {type(error).__name__}: {error}".encode())
        os._exit(1)
    send(b"R", result)
    os._exit(0)


if __name__ == "__main__":
    main()
