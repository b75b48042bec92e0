"""DescribeAcls, CreateAcls, DeleteAcls (keys 29 to 31) on a node without an authoriser: SECURITY_DISABLED, as Kafka says it.

Behaviour: an element of kind 0, which means unknown, is not answered: the connection is closed, as for a request that
cannot be read.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Final

from ottla.broker.context import CloseConnection, Context
from ottla.broker.services import Services
from ottla.core.model.errors import ErrorCode
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages.describe_acls import DescribeAclsResponse

K = ApiKey

NO_AUTHORIZER: Final = "No Authorizer is configured on the broker"
KINDS: Final = ("resource_type", "resource_pattern_type", "pattern_type", "operation", "permission_type")


def handle(services: Services, context: Context, request: Any) -> Body | Awaitable[Body]:
    key = ApiKey(context.key)
    elements = {K.DESCRIBE_ACLS: [request], K.CREATE_ACLS: "creations", K.DELETE_ACLS: "filters"}[key]
    for each in getattr(request, elements) if isinstance(elements, str) else elements:
        for name in each.__struct_fields__:
            if name.removesuffix("_filter") in KINDS and getattr(each, name) == 0:
                raise CloseConnection(f"an ACL request has an unknown {name}", kind="unknown acl")
    if key is K.DESCRIBE_ACLS:
        return DescribeAclsResponse(error_code=ErrorCode.SECURITY_DISABLED, error_message=NO_AUTHORIZER)
    return services.controller.request(context, key, request)
