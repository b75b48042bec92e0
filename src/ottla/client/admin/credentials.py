"""Credentials that the cluster keeps: SCRAM passwords of users, and delegation tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from ottla.client.admin.base import AdminCalls, Done, Each, check, error_or_none
from ottla.core.metadata.nouns import ScramMechanism
from ottla.core.model.errors import KafkaError
from ottla.core.wire.messages.alter_user_scram_credentials import (
    AlterUserScramCredentialsRequest,
    AlterUserScramCredentialsResponse,
    ScramCredentialDeletion,
    ScramCredentialUpsertion,
)
from ottla.core.wire.messages.create_delegation_token import (
    CreatableRenewers,
    CreateDelegationTokenRequest,
    CreateDelegationTokenResponse,
)
from ottla.core.wire.messages.describe_delegation_token import (
    DescribedDelegationToken,
    DescribeDelegationTokenOwner,
    DescribeDelegationTokenRequest,
    DescribeDelegationTokenResponse,
)
from ottla.core.wire.messages.describe_user_scram_credentials import (
    DescribeUserScramCredentialsRequest,
    DescribeUserScramCredentialsResponse,
    UserName,
)
from ottla.core.wire.messages.expire_delegation_token import (
    ExpireDelegationTokenRequest,
    ExpireDelegationTokenResponse,
)
from ottla.core.wire.messages.renew_delegation_token import (
    RenewDelegationTokenRequest,
    RenewDelegationTokenResponse,
)

ITERATIONS: Final = 8192
SALT_BYTES: Final = 24
USER: Final = "User"


class ScramCredential(msgspec.Struct, frozen=True):
    """That a user has a password for a mechanism; the password itself is not kept."""

    mechanism: ScramMechanism
    iterations: int


class NewScramCredential(msgspec.Struct, frozen=True):
    """A password to set. It is salted and hashed here and never sent."""

    user: str
    mechanism: ScramMechanism
    password: str
    iterations: int = ITERATIONS


class DelegationToken(msgspec.Struct, frozen=True):
    """A token. Principals are like `User:alice`; times are ms since 1970; `hmac` is the secret."""

    token_id: str
    owner: str
    requester: str
    issued: int
    expires: int
    latest: int
    hmac: bytes
    renewers: tuple[str, ...] = ()


class Credentials(AdminCalls):
    """Administration of SCRAM credentials and delegation tokens."""

    async def describe_scram_credentials(
        self, users: Sequence[str] | None = None
    ) -> Each[str, tuple[ScramCredential, ...]]:
        """The mechanisms each user has a password for. Raises KafkaError for the whole."""
        named = None if users is None else [UserName(each) for each in users]
        answer = await self._from_controller(
            DescribeUserScramCredentialsRequest(named), DescribeUserScramCredentialsResponse
        )
        check(answer.error_code, answer.error_message)
        found: dict[str, tuple[ScramCredential, ...] | KafkaError] = {}
        for told in answer.results:
            found[told.user] = error_or_none(told.error_code, told.error_message) or tuple(
                ScramCredential(ScramMechanism(each.mechanism), each.iterations)
                for each in told.credential_infos
            )
        return found

    async def alter_scram_credentials(
        self,
        upsertions: Sequence[NewScramCredential] = (),
        deletions: Sequence[tuple[str, ScramMechanism]] = (),
    ) -> Done[str]:
        """Set and delete passwords, by user."""
        chance = self.cluster.world.chance
        request = AlterUserScramCredentialsRequest(
            deletions=[ScramCredentialDeletion(user, mechanism) for user, mechanism in deletions],
            upsertions=[salted(each, chance.bytes(SALT_BYTES)) for each in upsertions],
        )
        answer = await self._from_controller(
            request,
            AlterUserScramCredentialsResponse,
            lambda found: (each.error_code for each in found.results),
        )
        return {told.user: error_or_none(told.error_code, told.error_message) for told in answer.results}

    async def create_delegation_token(
        self, *, renewers: Sequence[str] = (), owner: str | None = None, max_lifetime_ms: int = -1
    ) -> DelegationToken:
        """A token of the caller, or of `owner`. -1: as long as the broker allows. Raises KafkaError."""
        kind, name = principal(owner) if owner is not None else (None, None)
        request = CreateDelegationTokenRequest(
            kind, name, [CreatableRenewers(*principal(each)) for each in renewers], max_lifetime_ms
        )
        answer = await self._from_controller(request, CreateDelegationTokenResponse)
        check(answer.error_code)
        requester = f"{answer.token_requester_principal_type}:{answer.token_requester_principal_name}"
        return DelegationToken(
            answer.token_id,
            f"{answer.principal_type}:{answer.principal_name}",
            requester,
            answer.issue_timestamp_ms,
            answer.expiry_timestamp_ms,
            answer.max_timestamp_ms,
            answer.hmac,
            tuple(renewers),
        )

    async def describe_delegation_tokens(self, owners: Sequence[str] | None = None) -> list[DelegationToken]:
        """Tokens of these owners, or all that the caller may see. Raises KafkaError."""
        named = (
            None if owners is None else [DescribeDelegationTokenOwner(*principal(each)) for each in owners]
        )
        answer = await self.cluster.on_any(
            DescribeDelegationTokenRequest(named), DescribeDelegationTokenResponse
        )
        check(answer.error_code)
        return [token(each) for each in answer.tokens]

    async def renew_delegation_token(self, hmac: bytes, *, period_ms: int = -1) -> int:
        """Prolong a token; the answer is when it expires now, in ms since 1970. Raises KafkaError."""
        request = RenewDelegationTokenRequest(hmac, period_ms)
        answer = await self._from_controller(request, RenewDelegationTokenResponse)
        check(answer.error_code)
        return answer.expiry_timestamp_ms

    async def expire_delegation_token(self, hmac: bytes, *, period_ms: int = -1) -> int:
        """Let a token end in `period_ms`, -1: now; the answer is when. Raises KafkaError."""
        request = ExpireDelegationTokenRequest(hmac, period_ms)
        answer = await self._from_controller(request, ExpireDelegationTokenResponse)
        check(answer.error_code)
        return answer.expiry_timestamp_ms


def salted(new: NewScramCredential, salt: bytes) -> ScramCredentialUpsertion:
    from ottla.core.metadata.scram import (
        salted_password,  # it knows the whole metadata: nobody else waits for it
    )

    password = salted_password(new.mechanism, new.password.encode(), salt, new.iterations)
    return ScramCredentialUpsertion(new.user, new.mechanism, new.iterations, salt, password)


def principal(text: str) -> tuple[str, str]:
    """`User:alice` as type and name; a name alone is a user's."""
    kind, colon, name = text.partition(":")
    return (kind, name) if colon else (USER, text)


def token(told: DescribedDelegationToken) -> DelegationToken:
    return DelegationToken(
        told.token_id,
        f"{told.principal_type}:{told.principal_name}",
        f"{told.token_requester_principal_type}:{told.token_requester_principal_name}",
        told.issue_timestamp,
        told.expiry_timestamp,
        told.max_timestamp,
        told.hmac,
        tuple(f"{each.principal_type}:{each.principal_name}" for each in told.renewers),
    )
