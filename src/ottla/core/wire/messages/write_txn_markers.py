"""WriteTxnMarkers (key 27): the transaction coordinator has the end of transactions marked in partitions."""

from __future__ import annotations

from typing import Annotated

from ottla.core.wire.declaration import Body, In, int8, int16, int32, int64, message


class WritableTxnMarkerTopic(Body):
    name: str = ""
    partition_indexes: list[int32] = []


class WritableTxnMarker(Body):
    producer_id: int64 = 0
    producer_epoch: int16 = 0
    transaction_result: bool = False
    topics: list[WritableTxnMarkerTopic] = []
    coordinator_epoch: int32 = 0
    transaction_version: Annotated[int8, In("2+", ignorable=True)] = 0


@message("1-2", flexible="1+", key=27)
class WriteTxnMarkersRequest(Body):
    markers: list[WritableTxnMarker] = []


class WritableTxnMarkerPartitionResult(Body):
    partition_index: int32 = 0
    error_code: int16 = 0


class WritableTxnMarkerTopicResult(Body):
    name: str = ""
    partitions: list[WritableTxnMarkerPartitionResult] = []


class WritableTxnMarkerResult(Body):
    producer_id: int64 = 0
    topics: list[WritableTxnMarkerTopicResult] = []


@message("1-2", flexible="1+", key=27)
class WriteTxnMarkersResponse(Body):
    markers: list[WritableTxnMarkerResult] = []
