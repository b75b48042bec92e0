"""Options that many commands share, and what their values become."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ottla.cli.problems import NOT_AUTHORISED, NOT_FOUND, TIMED_OUT, USAGE, Problem, note

if TYPE_CHECKING:
    from ottla.client.cluster import Cluster
    from ottla.client.settings import ClientSettings
    from ottla.world.doors import World

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

LOCAL = "localhost:9092"
ENVIRONMENT = ("OTTLA_BOOTSTRAP_SERVERS", "KAFKA_BOOTSTRAP_SERVERS")
LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("table", "wide", "json", "jsonl", "name")


def connection_options(command: F) -> F:
    """`-b`, `-X` and `--command-config`: where the cluster is and how to talk to it."""
    for option in (
        click.option(
            "--command-config", "config_file", metavar="FILE", help="Client properties (key=value lines)."
        ),
        click.option(
            "-X", "extra", multiple=True, metavar="KEY=VALUE", help="Set one client property; repeatable."
        ),
        click.option(
            "-b",
            "--bootstrap-server",
            "bootstrap",
            metavar="HOST:PORT,...",
            help=f"Where to find the cluster [{' or '.join(ENVIRONMENT)}; default: {LOCAL}].",
        ),
    ):
        command = option(command)
    return command


def output_option(*formats: str) -> Callable[[F], F]:
    """`-o`: how results are printed. JSON keeps its field names between releases."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(formats or FORMATS),
        default="table",
        show_default=True,
        help="How to print the result.",
    )


def log_level_option(*, default: str) -> Callable[[F], F]:
    return click.option(
        "--log-level",
        type=click.Choice(LEVELS, case_sensitive=False),
        default=default,
        envvar="OTTLA_LOG_LEVEL",
        show_default=True,
        show_envvar=True,
        help="How much to log, on stderr.",
    )


def yes_option(command: F) -> F:
    return click.option("-y", "--yes", is_flag=True, help="Do not ask.")(command)


def confirm(question: str, *, yes: bool) -> None:
    """Ask before destroying. Without a terminal to ask at, `-y` is required. Raises Problem or Abort."""
    if yes:
        return
    if not os.isatty(0):
        raise Problem(f"{question} Nobody is there to ask.", "repeat the command with -y.", USAGE)
    click.confirm(question, abort=True, err=True)


def key_values(pairs: tuple[str, ...], option: str) -> dict[str, str]:
    """`("a=b", ...)` as a dict. Raises UsageError for a pair without `=`."""
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise click.UsageError(f"{option} {pair!r} is not KEY=VALUE")
        found[key.strip()] = value.strip()
    return found


def client_settings(bootstrap: str | None, extra: tuple[str, ...], config_file: str | None) -> ClientSettings:
    """What the connection options say: flag over -X over file over environment. Raises Problem."""
    from ottla.client.settings import SettingRefused, client_settings_from

    properties = file_properties(config_file) if config_file else {}
    properties.update(key_values(extra, "-X"))
    if bootstrap:
        properties["bootstrap.servers"] = bootstrap
    else:
        known = [os.environ[name] for name in ENVIRONMENT if os.environ.get(name)]
        properties.setdefault("bootstrap.servers", (known or [LOCAL])[0])
    try:
        return client_settings_from(properties)
    except SettingRefused as error:
        raise Problem(str(error), error.hint, USAGE) from error


def file_properties(path: str) -> dict[str, str]:
    """A client's properties file. Keys of other clients are told and left out. Raises Problem."""
    from ottla.broker.config.properties import parse_properties
    from ottla.client.settings import is_known
    from ottla.core.model.settings.kinds import InvalidSetting

    try:
        properties = parse_properties(read_text(path))
    except InvalidSetting as error:
        raise Problem(f"{path}, {error}", "correct the file.", USAGE) from error
    unknown = [key for key in properties if not is_known(key)]
    if unknown:
        note(f"{path}: no effect here: {', '.join(unknown)}")
    return {key: value for key, value in properties.items() if is_known(key)}


def on_cluster(settings: ClientSettings, work: Callable[[Cluster], Coroutine[Any, Any, T]]) -> T:
    """Connect, do the work, disconnect. Raises Problem for whatever goes wrong on the way."""
    from ottla.cli.running import run
    from ottla.client.cluster import Cluster

    async def inside(world: World) -> T:
        async with Cluster(world, settings) as cluster:
            return await work(cluster)

    with client_problems():
        return run(inside)


def read_text(path: str) -> str:
    """A small text file. Raises Problem when it cannot be read."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise Problem(
            f"cannot read {path}: {reason}", "check the path and its permissions.", USAGE
        ) from error


@contextmanager
def node_problems(file: str | None = None) -> Iterator[None]:
    """Turn what configuring, formatting and starting a node raises into a `Problem`."""
    try:
        yield
    except Exception as error:
        problem = node_problem(error, file)
        if problem is None:
            raise
        raise problem from error


def node_problem(error: Exception, file: str | None) -> Problem | None:
    """What to say of an error that was foreseen; None for any other."""
    from ottla.broker.formatting.options import FormatError
    from ottla.broker.node import NotFormatted
    from ottla.broker.quorum.batches import MetadataLogError
    from ottla.broker.storage.opening import DirectoryRefused
    from ottla.core.model.errors import KafkaError
    from ottla.core.model.settings.kinds import InvalidSetting

    if isinstance(error, InvalidSetting):
        return Problem(str(error), f"correct it in {file}." if file else "correct the setting.", USAGE)
    if isinstance(error, FormatError):
        return Problem(str(error), "`ottla storage format --help` explains the flags.")
    if isinstance(error, NotFormatted):
        how = 'ottla storage format -t "$(ottla storage random-uuid)" -s -c FILE'
        return Problem(str(error), f"format it once: {how}")
    if isinstance(error, DirectoryRefused):
        return Problem(str(error), DIRECTORY_HINT)
    if isinstance(error, (MetadataLogError, KafkaError)):
        return Problem(str(error), NODE_HINT)
    if isinstance(error, FileNotFoundError):
        return Problem(f"{error.filename or error} does not exist", "check the path.", USAGE)
    if isinstance(error, OSError):
        return Problem(system_words(error), SYSTEM_HINTS.get(error.errno or 0, NODE_HINT))
    return None


DIRECTORY_HINT = (
    "log.dirs names directories formatted for this node that no other process uses; `ottla storage info -c FILE` shows "
    "whose they are."
)
NODE_HINT = "check log.dirs and listeners; `ottla storage info -c FILE` shows the state of the directories."

SYSTEM_HINTS = {
    errno.EADDRINUSE: "another process listens there (`ss -ltnp` names it): stop it, or change the port in listeners.",
    errno.EADDRNOTAVAIL: "no interface of this machine has that address: listeners says where this node listens, "
    "advertised.listeners what clients are told.",
    errno.ENOSPC: "the disk is full: make room, or name another directory in log.dirs.",
    errno.EROFS: "the file system is mounted read-only: mount it writable, or name another directory in log.dirs.",
    errno.EACCES: "the user of this process may not do that: check the owner of log.dirs; ports below 1024 are for root.",
    errno.EPERM: "the user of this process may not do that: check the owner of log.dirs.",
}
"""What to do about what the operating system refuses a node at its start."""


def system_words(error: OSError) -> str:
    """What the operating system refused, and for what."""
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}"


@contextmanager
def client_problems() -> Iterator[None]:
    """Turn what a client raises into a `Problem` with the right exit code."""
    from ottla.client.errors import ClientError, ClientTimeout, ConnectionFailed
    from ottla.core.model.errors import KafkaError

    try:
        yield
    except ConnectionFailed as error:
        hint = "is a broker listening there? `ottla dev` starts one here; -b names another address."
        raise Problem(str(error), hint) from error
    except ClientTimeout as error:
        raise Problem(
            str(error), "try again, or allow more time: -X request.timeout.ms=60000.", TIMED_OUT
        ) from error
    except KafkaError as error:
        code, hint = advice(error.code.name)
        raise Problem(str(error), hint, code) from error
    except ClientError as error:
        raise Problem(str(error), error.hint) from error


def advice(name: str) -> tuple[int, str]:
    """Exit code and hint for one of Kafka's errors."""
    if name in ("UNKNOWN_TOPIC_OR_PARTITION", "UNKNOWN_TOPIC_ID"):
        return NOT_FOUND, "`ottla topic list` shows the topics there are."
    if name.endswith("AUTHORIZATION_FAILED") or name == "SASL_AUTHENTICATION_FAILED":
        return NOT_AUTHORISED, "ask for the permission, or check who the client is."
    if name == "REQUEST_TIMED_OUT":
        return TIMED_OUT, "the cluster may be busy or short of replicas; try again."
    return 1, HINTS.get(name, "the broker's log may say more.")


HINTS = {
    "TOPIC_ALREADY_EXISTS": "pick another name, or add --if-not-exists.",
    "INVALID_REPLICATION_FACTOR": "there are fewer brokers than replicas: use -r 1 on a single node.",
    "INVALID_PARTITIONS": "ask for at least one partition with -p.",
    "INVALID_TOPIC_EXCEPTION": "names are 1 to 249 letters, digits, '.', '_' and '-'.",
    "INVALID_CONFIG": "check the spelling and the value of the config.",
    "NOT_ENOUGH_REPLICAS": "acks=all needs min.insync.replicas replicas in sync: start brokers, or lower it.",
    "RECORD_TOO_LARGE": "the topic's max.message.bytes is smaller than the batch.",
    "MESSAGE_TOO_LARGE": "the topic's max.message.bytes is smaller than the batch.",
    "OFFSET_OUT_OF_RANGE": "`ottla topic describe` shows the offsets that exist.",
    "INVALID_RECORD": "a compacted topic takes only records with keys: see -k.",
}
