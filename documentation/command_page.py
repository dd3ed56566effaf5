"""The command reference, from the Typer application."""

from __future__ import annotations

from typing import Any

import typer

HEAD = """# Command reference

Made from the commands themselves; `autotune COMMAND --help` says the same. `autotune --install-completion`
completes commands in your shell.

| exit code | meaning |
|---|---|
| 0 | done; the winner may be float, and then it is said why |
| 2 | a mistake of yours, in one sentence |
| 3 | a constraint that cannot be met, or (`verify`, `apply`) what was promised no longer holds |
| 130 | interrupted; what was measured until then is judged and on disk |
"""


def command_page(app: typer.Typer) -> str:
    """Return the page in Markdown."""
    commands: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    return HEAD + "".join(_command(name, command) for name, command in commands.items())


def _command(name: str, command: Any) -> str:
    shown = [parameter for parameter in command.params if not getattr(parameter, "hidden", False)]
    arguments = [parameter for parameter in shown if parameter.param_type_name == "argument"]
    options = [parameter for parameter in shown if parameter.param_type_name == "option"]
    words = " ".join(["autotune", name, *(argument.metavar or argument.name.upper() for argument in arguments)])
    lines = [
        f"\n## autotune {name}\n",
        f"{command.help}\n",
        f"```text\n{words}{' [OPTIONS]' if options else ''}\n```\n",
    ]
    if shown:
        lines += ["| | default | meaning |", "|---|---|---|"]
        lines += [_row(parameter) for parameter in (*arguments, *options)]
    if command.epilog:
        lines.append(f"\n{command.epilog.replace('Example: ', 'Example: `', 1)}`")
    return "\n".join(lines) + "\n"


def _row(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        name = f"`{parameter.metavar or parameter.name.upper()}`"
    else:
        value = "" if parameter.is_flag else f" {parameter.metavar or parameter.name.upper()}"
        name = ", ".join(f"`{option}{value}`" for option in parameter.opts)
    default = "" if parameter.default in (None, False) or parameter.required else f"`{parameter.default}`"
    default = "*needed*" if parameter.required else default
    # Inside code a bar is no border of a cell, and an escaped one would show its backslash.
    meaning = (parameter.help or "").replace("<", "&lt;").replace("|", "\\|")
    return f"| {name} | {default} | {meaning} |"
