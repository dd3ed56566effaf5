"""Functions of the user's own, named ``FILE.py:function`` in a recipe."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autotune.errors import UserError, suggest


def load_function(spec: str, base: Path, trust_code: bool, purpose: str) -> Callable[..., Any]:
    """Import ``FILE.py`` (relative to ``base``) and return its function.

    Args:
        purpose: what the recipe wants it for, to begin an error message with: ``data`` or ``metric``.

    Raises:
        UserError: ``trust_code`` is false, the file or the function is missing, or importing the file failed.
    """
    path, name = trusted_file(spec, base, trust_code, purpose)
    module = _import(path, purpose)
    function = getattr(module, name, None)
    if not callable(function):
        functions = [k for k, v in vars(module).items() if callable(v) and not k.startswith("_")]
        raise _undefined(path, name, purpose, functions)
    return function  # type: ignore[no-any-return]


def check_defined(spec: str, base: Path, purpose: str) -> None:
    """Check that ``FILE.py`` (relative to ``base``) defines the function, without running anything.

    Raises:
        UserError: the file is missing, is not Python, or plainly does not define it.
    """
    path, name = _file(spec, base, purpose)
    try:
        body = ast.parse(path.read_text(encoding="utf-8")).body
    except FileNotFoundError:
        raise _missing(path, spec, purpose) from None
    except (OSError, ValueError, SyntaxError) as error:
        raise UserError(f"{purpose}: {path} cannot be read as Python ({' '.join(str(error).split())}).") from None
    nodes = [part for node in body for part in ast.walk(node)]
    functions = [node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    stored = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    imported = {node.asname or node.name for node in nodes if isinstance(node, ast.alias)}
    within = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}  # behind a condition
    if not {name, "*"} & (stored | imported | within):
        raise _undefined(path, name, purpose, functions)


def trusted_file(spec: str, base: Path, trust_code: bool, purpose: str) -> tuple[Path, str]:
    """Return the file and the name in it, without importing anything.

    Raises:
        UserError: it is not ``FILE.py:function``, ``trust_code`` is false, or the file is missing.
    """
    path, name = _file(spec, base, purpose)
    if not trust_code:
        raise UserError(f"{purpose}: {spec} is code that would run; read {path}, then allow it with --trust-code.")
    if not path.is_file():
        raise _missing(path, spec, purpose)
    return path, name


def call_function(spec: str, base: Path, trust_code: bool, purpose: str) -> Any:
    """Call a user's function without arguments and return what it returns.

    Raises:
        UserError: as :func:`load_function`, or it raised.
    """
    function = load_function(spec, base, trust_code, purpose)
    try:
        return function()
    except (Exception, SystemExit) as error:  # a script that reads a command line of its own exits
        raise failed(spec, purpose, error) from error


def failed(spec: str, purpose: str, error: BaseException) -> UserError:
    """Return the error to raise for an exception that the user's function raised, with its line."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = f" ({Path(frame.tb_frame.f_code.co_filename).name}, line {frame.tb_lineno})" if frame else ""
    if isinstance(error, SyntaxError):  # says where itself; the frame is Python's
        where = ""
    return UserError(f"{purpose}: {spec} raised {type(error).__name__}: {' '.join(str(error).split())[:300]}{where}.")


def _file(spec: str, base: Path, purpose: str) -> tuple[Path, str]:
    file, colon, name = spec.rpartition(":")
    if not colon or not file.endswith(".py") or not name.isidentifier():
        raise UserError(f"{purpose}: '{spec}' is not a function; write FILE.py:function.")
    return base / file, name


def _missing(path: Path, spec: str, purpose: str) -> UserError:
    return UserError(f"{purpose}: {path} does not exist; {spec} is looked for relative to the recipe's folder.")


def _undefined(path: Path, name: str, purpose: str, functions: list[str]) -> UserError:
    hint = suggest(name, functions) if functions else "It defines none."
    return UserError(f"{purpose}: {path} has no function '{name}'. {hint}")


def _import(path: Path, purpose: str) -> Any:
    name = f"autotune_user_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickling in the user's file need it
    beside = str(path.parent.resolve())
    sys.path.insert(0, beside)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise failed(str(path), purpose, error) from error
    finally:
        if beside in sys.path:
            sys.path.remove(beside)
    return module
