"""Everything that is the controller's to decide: the broker hands it on and gives back the answer.

CreateTopics, DeleteTopics, CreatePartitions, ElectLeaders, reassignments, UpdateFeatures, UnregisterBroker, quotas,
SCRAM credentials, ACLs, DescribeQuorum and the voters. The controller checks the caller's rights itself.
"""

from __future__ import annotations

from ottla.broker.context import Context
from ottla.broker.services import Services
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.declaration import Body


async def handle(services: Services, context: Context, request: Body) -> Body:
    return await services.controller.request(context, ApiKey(context.key), request)
