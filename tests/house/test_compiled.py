"""The modules that `make wheel` compiles: what mypyc takes for something else than Python does must not be in them."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from ottla.compiled import WITNESS, is_compiled

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
MODULES: list[str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]["modules"]


def tree(module: str) -> ast.Module:
    return ast.parse((ROOT / "src" / f"{module.replace('.', '/')}.py").read_text())


def test_what_is_asked_whether_it_is_compiled_is_one_of_them() -> None:
    assert WITNESS in MODULES
    __import__(WITNESS)
    assert is_compiled() == (not str(sys.modules[WITNESS].__file__).endswith(".py"))


@pytest.mark.parametrize("module", MODULES)
def test_no_class_is_made_by_a_library_or_a_decorator(module: str) -> None:
    """Such a class is an ordinary one, and slower than uncompiled; it belongs into a module of its own."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.ClassDef):
            made_by = {ast.unparse(each) for each in [*node.bases, *node.decorator_list]}
            assert not {each for each in made_by if each.startswith(("msgspec", "dataclass", "runtime"))}, (
                node.name
            )


@pytest.mark.parametrize("module", MODULES)
def test_a_name_caught_twice_is_of_one_type(module: str) -> None:
    """Compiled, the first `except A as error` of a function makes every `error` in it an A."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            caught: dict[str, str] = {}
            for handler in handlers(node):
                kind = ast.unparse(handler.type) if handler.type else "BaseException"
                assert caught.setdefault(handler.name or "", kind) == kind, f"{node.name}: {handler.name}"


def handlers(function: ast.AST) -> Iterator[ast.ExceptHandler]:
    """The named `except` clauses of a function."""
    for node in ast.walk(function):
        if isinstance(node, ast.ExceptHandler) and node.name:
            yield node


@pytest.mark.parametrize("module", MODULES)
def test_no_loop_holds_an_attribute_for_tested_across_an_await(module: str) -> None:
    """Compiled, what `while self.x is not None` has tested is taken for granted in the whole body, even behind an
    `await` that let others change it."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.While) and any(isinstance(each, ast.Await) for each in ast.walk(node)):
            tested = [ast.unparse(each) for each in ast.walk(node.test) if isinstance(each, ast.Attribute)]
            assert "is not None" not in ast.unparse(node.test) or not tested, tested
