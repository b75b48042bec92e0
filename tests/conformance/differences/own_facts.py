"""What a node says about itself on its disk: facts that requests have to name and that no answer tells."""

from __future__ import annotations

from ottla.core.model.ids import Uuid, uuid_parse
from ottla.core.records.batch import headers
from ottla.core.records.record import records
from ottla.core.wire.messages.records.metadata import RegisterBrokerRecord
from ottla.core.wire.metadata_frame import decode_metadata_record
from tests.nodes import Node


def broker_epoch(node: Node) -> int:
    """The epoch of its broker: where the metadata log has its registration."""
    log = (node.data / "__cluster_metadata-0" / "00000000000000000000.log").read_bytes()
    for position, header in headers(log):
        if header.is_control:
            continue
        for record in records(log[position : position + header.size], header):
            value = decode_metadata_record(record.value or b"")
            if isinstance(value, RegisterBrokerRecord):
                return value.broker_epoch
    raise AssertionError(f"no broker is registered in {node.data}")


def directory_id(node: Node) -> Uuid:
    """The id of its only log directory."""
    lines = (node.data / "meta.properties").read_text().splitlines()
    (text,) = [line.partition("=")[2] for line in lines if line.startswith("directory.id=")]
    return uuid_parse(text)
