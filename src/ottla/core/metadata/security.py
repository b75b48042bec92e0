"""ACLs and delegation tokens on a node that has neither an authoriser nor a token secret: Kafka's answers then."""

from __future__ import annotations

from typing import Final

from ottla.core.metadata.state import Command, State
from ottla.core.model.errors import ErrorCode
from ottla.core.model.machine import Outcome
from ottla.core.wire.messages.create_acls import AclCreationResult, CreateAclsRequest, CreateAclsResponse
from ottla.core.wire.messages.create_delegation_token import (
    CreateDelegationTokenRequest,
    CreateDelegationTokenResponse,
)
from ottla.core.wire.messages.delete_acls import (
    DeleteAclsFilterResult,
    DeleteAclsRequest,
    DeleteAclsResponse,
)
from ottla.core.wire.messages.expire_delegation_token import (
    ExpireDelegationTokenRequest,
    ExpireDelegationTokenResponse,
)
from ottla.core.wire.messages.renew_delegation_token import (
    RenewDelegationTokenRequest,
    RenewDelegationTokenResponse,
)

NO_AUTHORIZER: Final = "No Authorizer is configured."


def create_acls(
    state: State, now: int, command: Command, request: CreateAclsRequest
) -> Outcome[object, CreateAclsResponse]:
    results = [
        AclCreationResult(error_code=ErrorCode.SECURITY_DISABLED, error_message=NO_AUTHORIZER)
        for _ in request.creations
    ]
    return Outcome([], CreateAclsResponse(results=results))


def delete_acls(
    state: State, now: int, command: Command, request: DeleteAclsRequest
) -> Outcome[object, DeleteAclsResponse]:
    results = [
        DeleteAclsFilterResult(error_code=ErrorCode.SECURITY_DISABLED, error_message=NO_AUTHORIZER)
        for _ in request.filters
    ]
    return Outcome([], DeleteAclsResponse(filter_results=results))


def create_token(
    state: State, now: int, command: Command, request: CreateDelegationTokenRequest
) -> Outcome[object, CreateDelegationTokenResponse]:
    return Outcome([], CreateDelegationTokenResponse(error_code=ErrorCode.DELEGATION_TOKEN_AUTH_DISABLED))


def renew_token(
    state: State, now: int, command: Command, request: RenewDelegationTokenRequest
) -> Outcome[object, RenewDelegationTokenResponse]:
    return Outcome([], RenewDelegationTokenResponse(error_code=ErrorCode.DELEGATION_TOKEN_AUTH_DISABLED))


def expire_token(
    state: State, now: int, command: Command, request: ExpireDelegationTokenRequest
) -> Outcome[object, ExpireDelegationTokenResponse]:
    return Outcome([], ExpireDelegationTokenResponse(error_code=ErrorCode.DELEGATION_TOKEN_AUTH_DISABLED))
