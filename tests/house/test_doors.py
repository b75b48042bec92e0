"""The node, the client and the simulator reach the world only through the four doors (`ottla.world.doors`).

Whatever bypasses a door cannot be simulated: a sleep that virtual time does not own, a thread the seed does not
order. So the bypasses are banned by name, and each ban names the way that is open.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "ottla"
ROOMS = ["broker", "client", "sim"]
SEEDED = "sim/chance.py"
"""The one module that may ask `random`, with a seed."""
LINES_MAX = 600

CURES = {
    "asyncio.sleep": "Clock.sleep",
    "asyncio.timeout": "Clock.call_at and a future",
    "asyncio.wait_for": "Clock.call_at and a future",
    "asyncio.create_task": "Clock.spawn",
    "asyncio.ensure_future": "Clock.spawn",
    "asyncio.TaskGroup": "Clock.spawn",
    "asyncio.to_thread": "Disk.run",
    "asyncio.get_event_loop": "the doors handed to you",
    "asyncio.get_running_loop": "the doors handed to you",
    "asyncio.new_event_loop": "the doors handed to you",
    "asyncio.run": "the doors handed to you",
    "asyncio.open_connection": "Network.connect",
    "asyncio.start_server": "Network.listen",
    "asyncio.create_subprocess_exec": "Disk.child",
    "time.time": "Clock.wall",
    "time.monotonic": "Clock.now",
    "time.sleep": "Clock.sleep",
    "time.perf_counter": "Clock.micros",
    "os.open": "Disk.open",
    "os.urandom": "Chance.bytes",
    "uuid.uuid4": "Chance.bytes",
}
METHODS = {"call_later": "Clock.call_at", "call_at_time": "Clock.call_at", "run_in_executor": "Disk.run"}
MODULES = {
    "random": "Chance",
    "secrets": "Chance",
    "socket": "Network",
    "selectors": "Network",
    "threading": "Disk.run",
    "concurrent": "Disk.run",
    "multiprocessing": "Disk.child",
    "subprocess": "Disk.child",
    "shutil": "Disk",
    "tempfile": "Disk",
}


def modules() -> list[Path]:
    """All but the entries of child processes (`Disk.child`), which have a world of their own."""
    files = [path for room in ROOMS for path in (SOURCE / room).rglob("*.py")]
    return sorted(path for path in files if not path.stem.endswith("_child") and not path.match(SEEDED))


def bypasses(tree: ast.AST) -> Iterator[tuple[int, str, str]]:
    """(line, what is used, what to use) for every door passed by."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found = [(each.name.split(".")[0], MODULES) for each in names]
            case ast.ImportFrom(module=str(module), names=names):
                found = [(f"{module}.{each.name}", CURES) for each in names]
                found.append((module.split(".")[0], MODULES))
            case ast.Attribute(value=ast.Name(id=owner), attr=name):
                found = [(f"{owner}.{name}", CURES), (name, METHODS)]
            case ast.Attribute(attr=name):
                found = [(name, METHODS)]
            case ast.Call(func=ast.Name(id="open")):
                found = [("open", {"open": "Disk.open"})]
            case _:
                continue
        for name, cures in found:
            if name in cures:
                yield node.lineno, name, cures[name]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_the_world_is_reached_through_its_doors(path: Path) -> None:
    found = [
        f"{path.relative_to(SOURCE)}:{line} uses {what}: take {cure}"
        for line, what, cure in bypasses(ast.parse(path.read_text()))
    ]
    assert not found, "\n".join(found)


def test_the_ban_sees_every_way_of_saying_it() -> None:
    said = """
import random
from asyncio import sleep
import asyncio, socket as s
async def f(loop):
    await asyncio.to_thread(print)
    loop.call_later(1, print)
    self.loop.run_in_executor(None, print)
    open("x")
    async with asyncio.TaskGroup(): ...
"""
    assert [line for line, _, _ in sorted(bypasses(ast.parse(said)))] == [2, 3, 4, 6, 7, 8, 9, 10]


def test_no_module_outgrows_its_idea() -> None:
    sizes = {path: len(path.read_text().splitlines()) for path in SOURCE.rglob("*.py")}
    large = [
        f"{path.relative_to(SOURCE)} has {size} lines" for path, size in sizes.items() if size > LINES_MAX
    ]
    assert not large, f"{', '.join(large)}: {LINES_MAX} at most, find the idea that is missing"
