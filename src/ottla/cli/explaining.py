"""What to say of an error that was foreseen: a sentence, a hint, an exit code."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ottla.cli.problems import NOT_AUTHORISED, NOT_FOUND, TIMED_OUT, USAGE, Problem, report

if TYPE_CHECKING:
    from ottla.core.model.errors import KafkaError


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
    from ottla.client.errors import ClientError, ClientTimeout, ConnectionFailed, NoSuchBroker
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
    except NoSuchBroker as error:
        raise Problem(str(error), BROKERS_HINT, NOT_FOUND) from error
    except ClientError as error:
        raise Problem(str(error), error.hint) from error


BROKERS_HINT = "`ottla broker list` shows the brokers there are."


def refused(what: str, error: KafkaError, hint: str | None = None) -> int:
    """Report one refusal among several results, with a `hint` of its own or its error's. Returns its exit code."""
    code, general = advice(error.code.name)
    report(f"{what}: {error}", hint or general)
    return code


def advice(name: str) -> tuple[int, str]:
    """Exit code and hint for one of Kafka's errors."""
    if name in MISSING:
        return NOT_FOUND, MISSING[name]
    if name.endswith("AUTHORIZATION_FAILED") or name == "SASL_AUTHENTICATION_FAILED":
        return NOT_AUTHORISED, "ask for the permission, or check who the client is."
    if name == "REQUEST_TIMED_OUT":
        return TIMED_OUT, "the cluster may be busy or short of replicas; try again."
    return 1, HINTS.get(name, "the broker's log may say more.")


MISSING = {
    "UNKNOWN_TOPIC_OR_PARTITION": "`ottla topic list` shows the topics there are.",
    "UNKNOWN_TOPIC_ID": "`ottla topic list` shows the topics there are.",
    "GROUP_ID_NOT_FOUND": "`ottla group list` shows the groups there are.",
    "TRANSACTIONAL_ID_NOT_FOUND": "`ottla txn list` shows the transactional ids there are.",
    "UNKNOWN_MEMBER_ID": "`ottla group describe` shows the members.",
    "RESOURCE_NOT_FOUND": "check the name.",
}
"""What somebody named and is not there, and where to look."""

HINTS = {
    "TOPIC_ALREADY_EXISTS": "pick another name, or add --if-not-exists.",
    "INVALID_REPLICATION_FACTOR": "there are fewer brokers than replicas: use -r 1 on a single node.",
    "INVALID_PARTITIONS": "a topic has at least one partition, and never fewer than before.",
    "INVALID_TOPIC_EXCEPTION": "names are 1 to 249 letters, digits, '.', '_' and '-'.",
    "INVALID_CONFIG": "check the spelling and the value of the config.",
    "NOT_ENOUGH_REPLICAS": "acks=all needs min.insync.replicas replicas in sync: start brokers, or lower it.",
    "RECORD_TOO_LARGE": "the topic's max.message.bytes is smaller than the batch.",
    "MESSAGE_TOO_LARGE": "the topic's max.message.bytes is smaller than the batch.",
    "OFFSET_OUT_OF_RANGE": "`ottla topic describe` shows the offsets that exist.",
    "NON_EMPTY_GROUP": "stop the members of the group first; `ottla group describe` shows who they are.",
    "GROUP_SUBSCRIBED_TO_TOPIC": "members of the group read that topic: stop them first.",
    "INVALID_GROUP_ID": "the group is of another kind: `ottla group list` shows of which.",
    "UNSUPPORTED_VERSION": "the broker is older than the request.",
    "SECURITY_DISABLED": "the cluster has no authorizer.",
    "POLICY_VIOLATION": "a policy of the cluster forbids it.",
    "INVALID_REGULAR_EXPRESSION": "patterns are RE2 and match the whole name: 'orders-.*', not 'orders-*'.",
    "INVALID_RECORD": "a compacted topic takes only records with keys: see -k.",
}
