"""The argument of --add-scram: `SCRAM-SHA-256=[name=alice,password=alice-secret]`."""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import Final

from ottla.broker.formatting.options import FormatError
from ottla.core.metadata.nouns import ScramMechanism
from ottla.core.metadata.scram import MAX_ITERATIONS, MIN_ITERATIONS, credential_record, salted_password
from ottla.core.wire.messages.records.metadata import UserScramCredentialRecord
from ottla.world.doors import Chance

_MECHANISMS: Final = {
    "SCRAM-SHA-256": ScramMechanism.SCRAM_SHA_256,
    "SCRAM-SHA-512": ScramMechanism.SCRAM_SHA_512,
}
SALT_BYTES: Final = 16


def scram_record(argument: str, chance: Chance) -> UserScramCredentialRecord:
    """The credential the argument describes; the salt is drawn when it gives none. Raises FormatError."""
    name, equals, config = argument.strip().partition("=")
    if not equals:
        raise FormatError(f"Failed to find equals sign in SCRAM argument '{_hidden(argument)}'")
    mechanism = _MECHANISMS.get(name)
    if mechanism is None:
        raise FormatError(f"The add-scram mechanism {name} is not supported.")
    if not config.startswith("["):
        raise FormatError("Expected configuration string to start with [")
    if not config.endswith("]"):
        raise FormatError("Expected configuration string to end with ]")
    parts = dict(_part(text) for text in config[1:-1].split(","))
    user = parts.pop("name", None)
    if user is None:
        raise FormatError("You must supply 'name' to add-scram")
    salt_text = parts.pop("salt", None)
    iterations = _iterations(parts.pop("iterations", None), mechanism)
    salt = chance.bytes(SALT_BYTES) if salt_text is None else _bytes("salt", salt_text)
    password, salted_text = parts.pop("password", None), parts.pop("saltedpassword", None)
    if parts:
        raise FormatError(f"Unknown SCRAM configurations: {', '.join(sorted(parts))}")
    if password is not None:
        salted = salted_password(mechanism, password.encode(), salt, iterations)
    elif salted_text is None:
        raise FormatError("You must supply one of 'password' or 'saltedpassword' to add-scram")
    elif salt_text is None:
        raise FormatError("You must supply 'salt' with 'saltedpassword' to add-scram")
    else:
        salted = _bytes("saltedPassword", salted_text)
    return credential_record(user, mechanism, salted, salt, iterations)


def _hidden(argument: str) -> str:
    """Enough of a malformed argument to recognise it; what follows may be a password."""
    return argument[:5] + "…" if len(argument) > 5 else argument


def _part(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise FormatError(f"No equals sign found in SCRAM component: {_hidden(text)}")
    if len(value) >= 2 and value[0] == value[-1] == '"':
        value = value[1:-1]
    return name, value


def _iterations(text: str | None, mechanism: ScramMechanism) -> int:
    if text is None:
        return MIN_ITERATIONS
    try:
        iterations = int(text)
    except ValueError as error:
        raise FormatError(f"Failed to parse iterations count: {text}") from error
    if iterations < MIN_ITERATIONS:
        raise FormatError(
            f"The 'iterations' value must be >= {MIN_ITERATIONS} for add-scram using {mechanism.name}"
        )
    if iterations > MAX_ITERATIONS:
        raise FormatError(
            f"The 'iterations' value must be <= {MAX_ITERATIONS} for add-scram using {mechanism.name}"
        )
    return iterations


def _bytes(what: str, text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise FormatError(f"Failed to decode given {what}") from error
