from __future__ import annotations

import logging

import pytest

from ottla.broker.quorum.notices import MAX_NAMED, QuotaNotice
from ottla.core.metadata.delta import Delta
from ottla.core.metadata.image import MetadataImage
from ottla.core.wire.messages.alter_client_quotas import (
    AlterClientQuotasRequest,
    EntityDataRequest,
    EntryDataRequest,
    OpData,
)
from tests.unit.quorum.nodes import NodeOnDisk, run


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The warnings since the last look."""
    lines = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    caplog.clear()
    return lines


def test_stored_quotas_are_told_when_they_change_and_at_the_next_start(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        node = NodeOnDisk()
        quorum = await node.start()
        await node.create("t")
        assert said(caplog) == []
        alice = EntryDataRequest(
            entity=[EntityDataRequest(entity_type="user", entity_name="alice")],
            ops=[OpData(key="producer_byte_rate", value=1024.0), OpData(key="request_percentage", value=1.5)],
        )
        default = EntryDataRequest(
            entity=[EntityDataRequest(entity_type="ip", entity_name=None)],
            ops=[OpData(key="connection_creation_rate", value=7.0)],
        )
        await quorum.command(AlterClientQuotasRequest(entries=[alice, default]), 1)
        [line] = told = said(caplog)
        assert line == (
            "Client quotas are stored but not enforced: user=alice: producer_byte_rate=1024 "
            "request_percentage=1.5; ip=<default>: connection_creation_rate=7"
        )
        await node.create("u")
        await node.stop()
        assert said(caplog) == []
        quorum = await node.start()
        assert said(caplog) == told
        for each in (alice, default):
            gone = [OpData(key=op.key, remove=True) for op in each.ops]
            request = AlterClientQuotasRequest(entries=[EntryDataRequest(entity=each.entity, ops=gone)])
            await quorum.command(request, 1)
        assert len(said(caplog)) == 1

    with caplog.at_level(logging.WARNING, "ottla.quorum"):
        run(story())


def test_many_quotas_make_one_line_of_bounded_length(caplog: pytest.LogCaptureFixture) -> None:
    quotas = {(("user", f"u{n}"),): {"producer_byte_rate": 1.0} for n in range(MAX_NAMED + 5)}
    QuotaNotice().follow(MetadataImage(client_quotas=quotas), Delta(quotas_changed=True))
    [line] = said(caplog)
    assert line.endswith("user=u9: producer_byte_rate=1; and 5 more")
