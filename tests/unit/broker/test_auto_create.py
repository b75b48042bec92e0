"""Topics that clients ask into being, and what the log says of those that cannot be."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ottla.broker.context import Context
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages.create_topics import (
    CreatableTopicResult,
    CreateTopicsRequest,
    CreateTopicsResponse,
)
from ottla.core.wire.messages.metadata import MetadataRequest, MetadataRequestTopic, MetadataResponse
from tests.unit.broker.bench import Bench, on_bench

MANY = [f"orders-{number}" for number in range(1000)]


async def ask_for(bench: Bench, names: list[str]) -> None:
    client = await bench.client()
    wanted = [MetadataRequestTopic(name=name) for name in names]
    answer = await client.ask(MetadataRequest(topics=wanted), MetadataResponse, 12)
    assert [each.error_code for each in answer.topics] == [3] * len(names)
    await asyncio.sleep(0.01)


def test_a_thousand_refused_topics_are_one_short_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(bench: Bench) -> None:
        async def refuse_each(context: Context, key: ApiKey, request: Body) -> Body:
            assert isinstance(request, CreateTopicsRequest)
            return CreateTopicsResponse(
                topics=[
                    CreatableTopicResult(
                        name=each.name, error_code=44, error_message=f"no room for {each.name}"
                    )
                    for each in request.topics
                ]
            )

        async def refuse_all(context: Context, key: ApiKey, request: Body) -> Body:
            raise KafkaError(ErrorCode.POLICY_VIOLATION, "too many")

        for refuse in (refuse_each, refuse_all):
            caplog.clear()
            bench.metadata.request = refuse  # type: ignore[method-assign]
            await ask_for(bench, MANY)
            (line,) = [record.getMessage() for record in caplog.records if record.name == "ottla.topics"]
            assert "orders-4 and 995 more" in line and len(line) < 200

    on_bench(tmp_path, scenario)
