"""SCRAM credentials, stored and described (AlterUserScramCredentials, DescribeUserScramCredentials; KIP-554, RFC 5802).

A client sends the salted password; what is stored are the two keys derived from it, from which nobody can log in.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from typing import Final

from ottla.core.metadata.image import MetadataImage
from ottla.core.metadata.levels import SCRAM_SINCE
from ottla.core.metadata.nouns import ScramMechanism
from ottla.core.metadata.state import Command, State
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.machine import Outcome
from ottla.core.wire.messages.alter_user_scram_credentials import (
    AlterUserScramCredentialsRequest,
    AlterUserScramCredentialsResponse,
    AlterUserScramCredentialsResult,
    ScramCredentialUpsertion,
)
from ottla.core.wire.messages.describe_user_scram_credentials import (
    CredentialInfo,
    DescribeUserScramCredentialsRequest,
    DescribeUserScramCredentialsResponse,
    DescribeUserScramCredentialsResult,
)
from ottla.core.wire.messages.records.metadata import (
    RemoveUserScramCredentialRecord,
    UserScramCredentialRecord,
)

MIN_ITERATIONS: Final = 4_096
MAX_ITERATIONS: Final = 16_384
_HASH: Final = {ScramMechanism.SCRAM_SHA_256: "sha256", ScramMechanism.SCRAM_SHA_512: "sha512"}


def keys_of(mechanism: ScramMechanism, salted_password: bytes) -> tuple[bytes, bytes]:
    """(stored key, server key) of RFC 5802 section 3."""
    name = _HASH[mechanism]
    client_key = hmac.digest(salted_password, b"Client Key", name)
    return hashlib.new(name, client_key).digest(), hmac.digest(salted_password, b"Server Key", name)


def salted_password(mechanism: ScramMechanism, password: bytes, salt: bytes, iterations: int) -> bytes:
    """`Hi` of RFC 5802: PBKDF2 with HMAC of the mechanism's hash."""
    return hashlib.pbkdf2_hmac(_HASH[mechanism], password, salt, iterations)


def credential_record(
    user: str, mechanism: ScramMechanism, salted: bytes, salt: bytes, iterations: int
) -> UserScramCredentialRecord:
    stored_key, server_key = keys_of(mechanism, salted)
    return UserScramCredentialRecord(
        name=user,
        mechanism=mechanism,
        salt=salt,
        stored_key=stored_key,
        server_key=server_key,
        iterations=iterations,
    )


def alter_credentials(
    state: State, now: int, command: Command, request: AlterUserScramCredentialsRequest
) -> Outcome[object, AlterUserScramCredentialsResponse]:
    """Each user succeeds or fails by itself, with its first error; one that is named twice fails."""
    records: dict[str, object] = {}
    errors: dict[str, KafkaError] = {}
    changes: list[tuple[str, int, ScramCredentialUpsertion | None]] = [
        *((each.name, each.mechanism, None) for each in request.deletions),
        *((each.name, each.mechanism, each) for each in request.upsertions),
    ]
    for user, mechanism, upsertion in changes:
        if user in errors:
            continue
        try:
            if records.pop(user, None) is not None:
                raise KafkaError(
                    ErrorCode.DUPLICATE_RESOURCE,
                    "A user credential cannot be altered twice in the same request",
                )
            records[user] = _alter_one(state, user, _mechanism(state, user, mechanism), upsertion)
        except KafkaError as error:
            errors[user] = error
    results = [AlterUserScramCredentialsResult(user=user, error_message=None) for user in records]
    for user, failure in errors.items():
        results.append(
            AlterUserScramCredentialsResult(user=user, error_code=failure.code, error_message=failure.text)
        )
    return Outcome(list(records.values()), AlterUserScramCredentialsResponse(results=results))


def _mechanism(state: State, user: str, number: int) -> ScramMechanism:
    if state.image.metadata_version < SCRAM_SINCE:
        raise KafkaError(ErrorCode.UNSUPPORTED_VERSION, "The current metadata.version does not support SCRAM")
    if not user:
        raise KafkaError(ErrorCode.UNACCEPTABLE_CREDENTIAL, "Username must not be empty")
    for mechanism in _HASH:
        if mechanism == number:
            return mechanism
    raise KafkaError(ErrorCode.UNSUPPORTED_SASL_MECHANISM, "Unknown SCRAM mechanism")


def _alter_one(
    state: State, user: str, mechanism: ScramMechanism, upsertion: ScramCredentialUpsertion | None
) -> object:
    if upsertion is None:
        if (mechanism, user) not in state.image.scram:
            raise KafkaError(
                ErrorCode.RESOURCE_NOT_FOUND, "Attempt to delete a user credential that does not exist"
            )
        return RemoveUserScramCredentialRecord(name=user, mechanism=mechanism)
    if upsertion.iterations < MIN_ITERATIONS:
        raise KafkaError(ErrorCode.UNACCEPTABLE_CREDENTIAL, "Too few iterations")
    if upsertion.iterations > MAX_ITERATIONS:
        raise KafkaError(ErrorCode.UNACCEPTABLE_CREDENTIAL, "Too many iterations")
    salted, salt = bytes(upsertion.salted_password), bytes(upsertion.salt)
    return credential_record(user, mechanism, salted, salt, upsertion.iterations)


def describe_credentials(
    image: MetadataImage, request: DescribeUserScramCredentialsRequest
) -> DescribeUserScramCredentialsResponse:
    """Mechanisms and iteration counts of the named users, or of all."""
    times = Counter(user.name for user in request.users or ())
    names = list(times) or list(dict.fromkeys(user for _, user in image.scram))
    results: list[DescribeUserScramCredentialsResult] = []
    for name in names:
        result = DescribeUserScramCredentialsResult(user=name)
        infos = [
            CredentialInfo(mechanism=mechanism, iterations=credential.iterations)
            for (mechanism, user), credential in image.scram.items()
            if user == name
        ]
        if times[name] > 1:
            result.error_code = ErrorCode.DUPLICATE_RESOURCE
            result.error_message = (
                f"Cannot describe SCRAM credentials for the same user twice in a single request: {name}"
            )
        elif not infos:
            result.error_code = ErrorCode.RESOURCE_NOT_FOUND
            result.error_message = f"Attempt to describe a user credential that does not exist: {name}"
        else:
            result.credential_infos = infos
        results.append(result)
    return DescribeUserScramCredentialsResponse(results=results)
