"""The way to the share coordinators: it makes their topic, waits for them, and gives up some time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ottla.broker.coordination import persister as persisting
from ottla.broker.coordination.persister import SharePersister
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.share_state.requests import SharePartitionKey, StateBatch, Write
from tests.unit.broker.bench import Bench, on_bench

SMALL = {"share.coordinator.state.topic.num.partitions": "2"}


def test_the_first_question_makes_the_topic(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        topic = bench.metadata.create("orders", 2).id
        persister = SharePersister(bench.services)
        keys = [SharePartitionKey("g", topic, index) for index in range(2)]
        # Both are asked at once, while there is no coordinator yet.
        for question in [persister.initialize(key, 1, 5) for key in keys]:
            await question
        state = await persister.read(keys[1], 3)
        assert (state.state_epoch, state.start_offset, list(state.batches)) == (1, 5, [])
        await persister.write(Write(keys[1], 1, 3, 7, 2, [StateBatch(7, 8, 2, 1)]))
        summary = await persister.summary(keys[1])
        assert (summary.start_offset, summary.delivery_complete_count) == (7, 2)
        await persister.delete(keys[1])
        assert (await persister.summary(keys[1])).start_offset == -1

    on_bench(tmp_path, scenario, SMALL)


def test_a_refusal_is_not_asked_about_again(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        topic = bench.metadata.create("orders", 1).id
        persister = SharePersister(bench.services)
        key = SharePartitionKey("g", topic, 0)
        await persister.initialize(key, 2, 5)
        for question, code in (
            (persister.initialize(key, 1, 5), ErrorCode.FENCED_STATE_EPOCH),
            (persister.read(SharePartitionKey("h", topic, 0), 0), ErrorCode.INVALID_REQUEST),
        ):
            with pytest.raises(KafkaError) as raised:
                await question
            assert raised.value.code is code

    on_bench(tmp_path, scenario, SMALL)


def test_who_waits_for_a_coordinator_that_does_not_come_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(persisting, "PAUSES_MS", (5, 5))

    async def scenario(bench: Bench) -> None:
        topic = bench.metadata.create("orders", 1).id
        persister = SharePersister(bench.services)
        key = SharePartitionKey("g", topic, 0)
        await persister.initialize(key, 1, 5)
        bench.services.share_states.close()
        with pytest.raises(KafkaError) as raised:
            await asyncio.wait_for(persister.summary(key), 5)
        assert raised.value.code is ErrorCode.NOT_COORDINATOR

    on_bench(tmp_path, scenario, SMALL)
