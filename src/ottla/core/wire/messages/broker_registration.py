"""BrokerRegistration (key 62): a starting broker tells the controller who it is and where it listens."""

from __future__ import annotations

from typing import Annotated

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, In, int16, int32, int64, message, uint16


class Listener(Body):
    name: str = ""
    host: str = ""
    port: uint16 = 0
    security_protocol: int16 = 0


class Feature(Body):
    name: str = ""
    min_supported_version: int16 = 0
    max_supported_version: int16 = 0


@message("0-4", flexible="0+", key=62)
class BrokerRegistrationRequest(Body):
    broker_id: int32 = 0
    cluster_id: str = ""
    incarnation_id: Uuid = ZERO_UUID
    listeners: list[Listener] = []
    features: list[Feature] = []
    rack: str | None = ""
    is_migrating_zk_broker: Annotated[bool, In("1+")] = False
    log_dirs: Annotated[list[Uuid], In("2+", ignorable=True)] = []
    previous_broker_epoch: Annotated[int64, In("3+", ignorable=True)] = -1


@message("0-4", flexible="0+", key=62)
class BrokerRegistrationResponse(Body):
    throttle_time_ms: int32 = 0
    error_code: int16 = 0
    broker_epoch: int64 = -1
