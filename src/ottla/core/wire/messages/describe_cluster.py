"""DescribeCluster (key 60): the id of the cluster and its brokers or controllers."""

from __future__ import annotations

from typing import Annotated

from ottla.core.wire.declaration import Body, In, int8, int16, int32, message


@message("0-2", flexible="0+", key=60)
class DescribeClusterRequest(Body):
    include_cluster_authorized_operations: bool = False
    endpoint_type: Annotated[int8, In("1+")] = 1
    include_fenced_brokers: Annotated[bool, In("2+")] = False


class DescribeClusterBroker(Body):
    broker_id: int32 = 0
    host: str = ""
    port: int32 = 0
    rack: str | None = None
    is_fenced: Annotated[bool, In("2+")] = False


@message("0-2", flexible="0+", key=60)
class DescribeClusterResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: int16 = 0
    error_message: str | None = None
    endpoint_type: Annotated[int8, In("1+")] = 1
    cluster_id: str = ""
    controller_id: int32 = -1
    brokers: list[DescribeClusterBroker] = []
    cluster_authorized_operations: int32 = -2147483648
