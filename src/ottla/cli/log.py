"""`ottla log`: look into the files of a data directory."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click
import msgspec

from ottla.cli.lazy import NounGroup
from ottla.cli.problems import FAILED, NOT_FOUND, report

if TYPE_CHECKING:
    from ottla.cli.dump.rows import Options, Row
    from ottla.world.doors import Disk

DECODERS = ("auto", "plain", "metadata", "offsets", "transactions", "share")


@click.group(cls=NounGroup)
def log() -> None:
    """Look into the files of a data directory."""


@log.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path())
@click.option("--deep", is_flag=True, help="Show records, not only batches.")
@click.option("--print-data", is_flag=True, help="Show what records hold; implies --deep.")
@click.option(
    "--decoder",
    type=click.Choice(DECODERS),
    default="auto",
    show_default=True,
    help="How records read; auto goes by the topic in the directory's name.",
)
@click.option("-o", "--output", type=click.Choice(("text", "jsonl")), default="text", show_default=True)
def dump(files: tuple[str, ...], deep: bool, print_data: bool, decoder: str, output: str) -> int:
    """Print segments, indexes, snapshots and checkpoints.

    Nothing is changed, and no node needs to run. An index is held against the segment beside it. A file that is
    broken is shown up to the fault; the exit code is then 1.

    \b
    ottla log dump data/orders-0/00000000000000000000.log --print-data
    ottla log dump data/__cluster_metadata-0/*.log --print-data -o jsonl | jq .data
    """
    from ottla.cli.dump.files import decoder_for
    from ottla.cli.dump.rows import Options
    from ottla.world.real.disk import RealDisk

    disk = RealDisk()
    code = 0
    for number, path in enumerate(files):
        chosen = decoder_for(os.path.abspath(path)) if decoder == "auto" else decoder
        options = Options(deep=deep or print_data, print_data=print_data, decoder=chosen)
        if output == "text" and len(files) > 1:
            click.echo(("\n" if number else "") + click.style(path, bold=True))
        code = max(code, dump_file(disk, path, options, output))
    return code


def dump_file(disk: Disk, path: str, options: Options, output: str) -> int:
    """Print one file. Returns the exit code it deserves."""
    from ottla.cli.dump.files import file_rows
    from ottla.cli.dump.rows import Broken, NoLogFile

    try:
        for row in file_rows(disk, os.path.abspath(path), options):
            click.echo(json_line(path, row) if output == "jsonl" else text_line(row))
    except Broken as error:
        report(f"{path}: {error}", "everything before that position was read and is shown.")
        return FAILED
    except NoLogFile as error:
        report(f"{path} is no file of a log", f"{error}.")
        return FAILED
    except FileNotFoundError:
        report(f"{path} does not exist", "check the path.")
        return NOT_FOUND
    except (PermissionError, IsADirectoryError) as error:
        report(f"{path}: {error.strerror}", "name a file that this user may read.")
        return FAILED
    return 0


def json_line(path: str, row: Row) -> str:
    return msgspec.json.encode({"file": path, **row}).decode()


def text_line(row: Row) -> str:
    """`name=value` pairs; records stand under their batch."""
    kind = row["kind"]
    opening = f"  {kind}" if kind == "record" else kind
    pairs = [
        f"{name}={text_value(value)}" for name, value in row.items() if name != "kind" and value is not None
    ]
    return " ".join([opening, *pairs])


def text_value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return msgspec.json.encode(value).decode()
    text = str(value)
    return msgspec.json.encode(text).decode() if any(letter in text for letter in ' \n\t"') else text
