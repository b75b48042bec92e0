"""A node under test on the running loop, and all that can be done to it. Thread and child process are only around it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from ottla.broker.config.load import from_properties
from ottla.broker.context import from_within
from ottla.broker.formatting.format import format_storage
from ottla.broker.formatting.info import random_uuid
from ottla.broker.formatting.options import FormatOptions
from ottla.broker.node import Node
from ottla.broker.storage.opening import read_meta_properties
from ottla.broker.topic_metadata import INTERNAL_TOPICS
from ottla.core.model.errors import KafkaError, error_of
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.messages.create_topics import CreatableTopic, CreatableTopicConfig, CreateTopicsRequest
from ottla.core.wire.messages.delete_topics import DeleteTopicsRequest, DeleteTopicState
from ottla.testing import words
from ottla.testing.leaders import give_leader, give_leaders_back, take_leader
from ottla.testing.network import WatchedNetwork
from ottla.testing.resetting import open_coordinators, reset
from ottla.testing.striking import Strike, Strikes
from ottla.testing.words import BrokerFailed
from ottla.world.doors import World
from ottla.world.real.chance import RealChance
from ottla.world.real.clock import RealClock
from ottla.world.real.disk import RealDisk
from ottla.world.real.network import RealNetwork
from ottla.world.real.unsynced import UnsyncedDisk

if TYPE_CHECKING:
    from ottla.broker.config.node_settings import NodeSettings
    from ottla.world.doors import Timer

CONTROLLER_DECIDES: Final = -1
TIMEOUT_MS: Final = 30_000


class HostedNode:
    """`start` once, then `carry_out` whatever is wanted, then `stop` or `crash`."""

    def __init__(self, launch: words.Launch, on_fatal: Callable[[str], None]) -> None:
        loop = asyncio.get_running_loop()
        self._launch = launch
        self._on_fatal = on_fatal
        self._clock = RealClock(loop)
        self._network = WatchedNetwork(RealNetwork(loop), launch.port)
        self._disk = UnsyncedDisk(loop) if launch.temporary else RealDisk(loop)
        self._strikes = Strikes(self._network)
        self._others: dict[int, words.Refuse | words.Leaderless] = {}
        self._timers: dict[int, Timer] = {}
        self._node: Node
        self._opening: asyncio.Task[None]

    # -- life

    async def start(self) -> None:
        """Format the directories if need be, and serve. Raises BrokerFailed."""
        try:
            await self._start()
        except Exception as error:
            self._disk.close()
            raise BrokerFailed(f"the broker cannot start: {error}") from error

    async def _start(self) -> None:
        settings = from_properties(self._launch.properties)
        world = World(clock=self._clock, network=self._network, disk=self._disk, chance=RealChance())
        _format_if_needed(settings, world)
        handlers = self._strikes.wrapped()
        self._node = Node(settings, world, on_fatal=self._on_fatal, handlers=handlers)
        await self._node.start()
        self._opening = asyncio.get_running_loop().create_task(self._open())

    async def _open(self) -> None:
        """What the start need not wait for, and commands do: the first client of a group finds its coordinator."""
        await give_leaders_back(self._node)
        await open_coordinators(self._node)

    async def stop(self) -> None:
        """End cleanly: what is held back goes, what is under way is answered."""
        try:
            await asyncio.wait([self._opening])
            await self._lift(None)
            await self._node.stop()
        finally:
            await self._end()

    async def crash(self) -> None:
        """End as nearly as possible like a process that is killed."""
        self._node.crash()
        await self._end()

    async def _end(self) -> None:
        """What a node has left behind (a compaction in a child process, say) comes to its end."""
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        self._disk.close()

    # -- commands

    async def carry_out(self, command: words.Command) -> Any:
        """The value to answer. Raises BrokerFailed."""
        try:
            await asyncio.shield(self._opening)
            return await self._carry_out(command)
        except KafkaError as error:
            raise BrokerFailed(f"{error.code.name}: {error.text}") from error

    async def _carry_out(self, command: words.Command) -> Any:
        match command:
            case words.CreateTopic():
                return await self._create(command)
            case words.DeleteTopic(name):
                return await self._delete(name)
            case words.ListTopics():
                return sorted(self._node.quorum.image.topics_by_name.keys() - INTERNAL_TOPICS)
            case words.Reset():
                return await self._reset()
            case words.Rebalance(group):
                from ottla.testing.rebalancing import rebalance  # the protocols of all kinds of groups

                return await rebalance(self._node.services, group)
            case words.Inject(id_, fault, lasting_ms):
                return await self._inject(id_, fault, lasting_ms)
            case words.Lift(id_):
                return await self._lift(id_)
            case words.CountStruck(id_):
                strike = self._strikes.set.get(id_)
                return 0 if strike is None else strike.struck

    async def _create(self, command: words.CreateTopic) -> None:
        configs = [CreatableTopicConfig(name=key, value=value) for key, value in command.configs.items()]
        topic = CreatableTopic(
            name=command.name,
            num_partitions=command.partitions,
            replication_factor=CONTROLLER_DECIDES,
            configs=configs,
        )
        answer = await self._ask(
            ApiKey.CREATE_TOPICS, CreateTopicsRequest(topics=[topic], timeout_ms=TIMEOUT_MS)
        )
        _check(f"topic {command.name!r} cannot be created", answer.topics[0])
        await self._node.services.partitions.settled()

    async def _delete(self, name: str) -> None:
        request = DeleteTopicsRequest(topics=[DeleteTopicState(name=name)], timeout_ms=TIMEOUT_MS)
        answer = await self._ask(ApiKey.DELETE_TOPICS, request)
        _check(f"topic {name!r} cannot be deleted", answer.responses[0])

    async def _ask(self, key: ApiKey, request: Any) -> Any:
        return await self._node.services.controller.request(from_within(), key, request)

    async def _reset(self) -> None:
        await self._lift(None)
        await reset(self._node)

    # -- faults

    async def _inject(self, id_: int, fault: words.Fault, lasting_ms: int | None) -> None:
        if isinstance(fault, words.Requests):
            self._strikes.set[id_] = Strike(fault, self._clock)
        else:
            if isinstance(fault, words.Leaderless):
                await take_leader(self._node, fault.topic, fault.partition)
            else:
                self._network.refuse(drop=fault.drop)
            self._others[id_] = fault
        if lasting_ms is not None:
            self._timers[id_] = self._clock.call_at(
                self._clock.now() + lasting_ms, lambda: self._lift_later(id_)
            )

    def _lift_later(self, id_: int) -> None:
        self._clock.spawn(self._lift(id_), name="lift a fault")

    async def _lift(self, id_: int | None) -> int:
        """Returns how often it had struck; for all of them 0."""
        if id_ is None:
            for each in [*self._strikes.set, *self._others]:
                await self._lift(each)
            return 0
        timer = self._timers.pop(id_, None)
        if timer is not None:
            timer.cancel()
        strike = self._strikes.set.pop(id_, None)
        if strike is not None:
            strike.lift()
            return strike.struck
        other = self._others.pop(id_, None)
        if isinstance(other, words.Leaderless):
            if other not in self._others.values():
                await give_leader(self._node, other.topic, other.partition)
        elif other is not None and not any(isinstance(each, words.Refuse) for each in self._others.values()):
            await self._network.admit()
        return 0


def _format_if_needed(settings: NodeSettings, world: World) -> None:
    """With itself as the only voter, unless the directories are a node's already."""
    if any(read_meta_properties(world.disk, path) for path in settings.log_dirs if world.disk.exists(path)):
        return
    options = FormatOptions(random_uuid(world.chance), standalone=True)
    format_storage(settings, world.disk, world.chance, options, wall=world.clock.wall)


def _check(what: str, answer: Any) -> None:
    if answer.error_code:
        error = error_of(answer.error_code)
        raise BrokerFailed(f"{what}: {error.name}: {answer.error_message or error.sentence}")
