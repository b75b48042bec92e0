"""Builds the wheel with its hot modules compiled by mypyc (docs/decisions/0012-compiled-modules.md).

Off unless asked for, so that a source checkout and an sdist run as plain Python anywhere:

    HATCH_BUILD_HOOK_ENABLE_CUSTOM=true pip wheel --no-deps .

The modules are listed in pyproject.toml, beside this hook's other settings. The wheel holds their source too: tracebacks
read it, and an interpreter of another version falls back on it. Nothing is written into the source tree.
"""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import chdir
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompiledModules(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the shared objects of `modules` to the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        self._scratch = tempfile.TemporaryDirectory(prefix="ottla-wheel-")
        scratch = Path(self._scratch.name)
        compiled = scratch / "compiled"
        modules = [f"{module.replace('.', '/')}.py" for module in self.config["modules"]]
        with chdir(Path(self.root) / "src"):
            build(modules, compiled, scratch)
        for file in sorted(compiled.rglob("*")):
            if file.is_file():
                build_data["force_include"][str(file)] = str(file.relative_to(compiled))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if version != "editable":
            self._scratch.cleanup()


def build(modules: list[str], into: Path, scratch: Path) -> None:
    """Translate `modules` to C and compile them as one unit: calls between them are calls in C."""
    from mypyc.build import mypycify
    from setuptools import Distribution

    environment = ["--cache-dir", str(scratch / "mypy"), "--python-executable", sys.executable]
    extensions = mypycify(
        [*environment, *modules], opt_level="3", group_name="ottla", target_dir=str(scratch / "c")
    )
    distribution = Distribution({"name": "ottla", "ext_modules": extensions})
    command: Any = distribution.get_command_obj("build_ext")
    command.build_lib = str(into)
    command.build_temp = str(scratch / "objects")
    os.environ.setdefault("CFLAGS", "-g0")
    command.ensure_finalized()
    command.run()
