"""`ottla scripts`: Kafka's command-line tools under their own names, as scripts that need no JVM."""

from __future__ import annotations

import os
import shlex
import sys

import click

from ottla.cli.problems import Problem, note

SCRIPT = """\
#!/bin/sh
# Kafka's {name}, by Ottla: `ottla scripts` wrote this.
exec {python} -m ottla kafka {name} "$@"
"""


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path())
@click.option("--replace", is_flag=True, help="Write over files that are there already.")
def scripts(directory: str, replace: bool) -> None:
    """Write scripts named as Kafka's tools, which take their flags and print what they print.

    \b
    ottla scripts ~/bin
    kafka-topics.sh --bootstrap-server localhost:9092 --list
    """
    from ottla.cli.kafka.tools import TOOLS

    mode = "w" if replace else "x"
    try:
        os.makedirs(directory, exist_ok=True)
        for name in sorted(TOOLS):
            path = os.path.join(directory, f"{name}.sh")
            with open(path, mode, encoding="utf-8") as file:
                file.write(SCRIPT.format(name=name, python=shlex.quote(sys.executable)))
            os.chmod(path, 0o755)
    except FileExistsError as error:
        raise Problem(f"{error.filename} is there already", "add --replace to write over it.") from error
    except OSError as error:
        raise Problem(
            f"cannot write {error.filename}: {error.strerror}", "name another directory."
        ) from error
    note(f"{len(TOOLS)} scripts in {directory}: {', '.join(sorted(TOOLS))}")
