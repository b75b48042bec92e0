"""Access control lists: who may do what to what, from where."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

import msgspec

from ottla.client.admin.base import AdminCalls, check, error_or_none
from ottla.core.model.errors import KafkaError
from ottla.core.wire.messages.create_acls import AclCreation, CreateAclsRequest, CreateAclsResponse
from ottla.core.wire.messages.delete_acls import DeleteAclsFilter, DeleteAclsRequest, DeleteAclsResponse
from ottla.core.wire.messages.describe_acls import DescribeAclsRequest, DescribeAclsResponse
from ottla.core.wire.permissions import Operation, ResourceType


class PatternType(IntEnum):
    """How a resource's name is meant. ANY and MATCH are for filters: MATCH finds what applies to a name."""

    ANY = 1
    MATCH = 2
    LITERAL = 3
    PREFIXED = 4


class PermissionType(IntEnum):
    """Denials beat permissions."""

    ANY = 1
    DENY = 2
    ALLOW = 3


class Acl(msgspec.Struct, frozen=True):
    """One rule. `principal` is like `User:alice`, `host` an address; `*` is everybody, everywhere or everything."""

    resource_type: ResourceType
    resource_name: str
    principal: str
    operation: Operation
    permission: PermissionType = PermissionType.ALLOW
    pattern: PatternType = PatternType.LITERAL
    host: str = "*"


class AclFilter(msgspec.Struct, frozen=True):
    """Finds rules; what is left out matches anything."""

    resource_type: ResourceType = ResourceType.ANY
    resource_name: str | None = None
    principal: str | None = None
    operation: Operation = Operation.ANY
    permission: PermissionType = PermissionType.ANY
    pattern: PatternType = PatternType.ANY
    host: str | None = None


ALL: Final = AclFilter()


class Acls(AdminCalls):
    """Administration of access control lists."""

    async def describe_acls(self, wanted: AclFilter = ALL) -> list[Acl]:
        """The rules that match. Raises KafkaError, such as SECURITY_DISABLED."""
        request = DescribeAclsRequest(
            wanted.resource_type,
            wanted.resource_name,
            wanted.pattern,
            wanted.principal,
            wanted.host,
            wanted.operation,
            wanted.permission,
        )
        answer = await self.cluster.on_any(request, DescribeAclsResponse)
        check(answer.error_code, answer.error_message)
        return [
            Acl(
                ResourceType(resource.resource_type),
                resource.resource_name,
                acl.principal,
                Operation(acl.operation),
                PermissionType(acl.permission_type),
                PatternType(resource.pattern_type),
                acl.host,
            )
            for resource in answer.resources
            for acl in resource.acls
        ]

    async def create_acls(self, acls: Sequence[Acl]) -> dict[Acl, KafkaError | None]:
        """Add rules; one that is there already is no error."""
        request = CreateAclsRequest(
            [
                AclCreation(
                    each.resource_type,
                    each.resource_name,
                    each.pattern,
                    each.principal,
                    each.host,
                    each.operation,
                    each.permission,
                )
                for each in acls
            ]
        )
        answer = await self._from_controller(
            request, CreateAclsResponse, lambda found: (each.error_code for each in found.results)
        )
        return {
            acl: error_or_none(told.error_code, told.error_message)
            for acl, told in zip(acls, answer.results, strict=True)
        }

    async def delete_acls(
        self, filters: Sequence[AclFilter]
    ) -> dict[AclFilter, list[tuple[Acl, KafkaError | None]] | KafkaError]:
        """Delete the rules that match, by filter; a rule that could not be deleted has an error beside it."""
        request = DeleteAclsRequest(
            [
                DeleteAclsFilter(
                    each.resource_type,
                    each.resource_name,
                    each.pattern,
                    each.principal,
                    each.host,
                    each.operation,
                    each.permission,
                )
                for each in filters
            ]
        )
        answer = await self._from_controller(
            request, DeleteAclsResponse, lambda found: (each.error_code for each in found.filter_results)
        )
        done: dict[AclFilter, list[tuple[Acl, KafkaError | None]] | KafkaError] = {}
        for wanted, told in zip(filters, answer.filter_results, strict=True):
            refusal = error_or_none(told.error_code, told.error_message)
            done[wanted] = refusal or [
                (
                    Acl(
                        ResourceType(each.resource_type),
                        each.resource_name,
                        each.principal,
                        Operation(each.operation),
                        PermissionType(each.permission_type),
                        PatternType(each.pattern_type),
                        each.host,
                    ),
                    error_or_none(each.error_code, each.error_message),
                )
                for each in told.matching_acls
            ]
        return done
