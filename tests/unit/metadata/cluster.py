"""A controller to try things on: three brokers of one rack each, records applied as soon as they are decided."""

from __future__ import annotations

import random
from typing import Any

from ottla.core.metadata.controller import Controller
from ottla.core.metadata.image import MetadataImage
from ottla.core.metadata.levels import SUPPORTED
from ottla.core.metadata.nouns import ConfigResource
from ottla.core.metadata.state import Command, ControllerSettings, TopicConfigEntry
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import Uuid
from ottla.core.wire.messages import broker_heartbeat, broker_registration
from ottla.core.wire.messages.records.metadata import FeatureLevelRecord

CLUSTER = "4L6g3nShT-eMCtK--X86sw"
DEFAULTS = {"min.insync.replicas": "1", "unclean.leader.election.enable": "false", "retention.ms": "7"}
LISTS = {"cleanup.policy"}


class PlainRules:
    """Three topic configs, of which `cleanup.policy` is a list; `retention.ms` has to be a number."""

    def check(self, resource: ConfigResource, configs: dict[str, str], existing: dict[str, str]) -> None:
        if not configs.get("retention.ms", "0").lstrip("-").isdigit():
            raise KafkaError(ErrorCode.INVALID_CONFIG, "retention.ms is not a number")

    def is_list(self, resource_type: int, key: str) -> bool:
        return key in LISTS

    def default(self, resource_type: int, key: str) -> str | None:
        return "delete" if key == "cleanup.policy" else None

    def topic_entries(self, image: MetadataImage, overrides: dict[str, str]) -> list[TopicConfigEntry]:
        return [
            TopicConfigEntry(name, overrides.get(name, DEFAULTS[name]), 1 if name in overrides else 5)
            for name in sorted(DEFAULTS)
        ]

    def topic_value(self, image: MetadataImage, overrides: dict[str, str], key: str) -> str:
        return overrides.get(key, DEFAULTS[key])


class SeededChance:
    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)

    def below(self, bound: int) -> int:
        return self._random.randrange(bound)


class Cluster:
    """`ask` decides and applies; `written` holds the records of the last `ask`."""

    def __init__(self, brokers: int = 3, *, elr: bool = True, **settings: Any) -> None:
        chosen = ControllerSettings(node_id=100, cluster_id=CLUSTER, **settings)
        self.controller = Controller(chosen, PlainRules(), SeededChance(7))
        self.now = 1_000
        self.offset = 0
        self.written: list[Any] = []
        self.epochs: dict[int, int] = {}
        self._write([FeatureLevelRecord(name="metadata.version", feature_level=30)])
        if elr:
            self._write([FeatureLevelRecord(name="eligible.leader.replicas.version", feature_level=1)])
        for id_ in range(1, brokers + 1):
            self.register(id_)
            self.heartbeat(id_)

    @property
    def image(self) -> MetadataImage:
        return self.controller.image

    def _write(self, records: list[Any]) -> None:
        self.written = records
        for record in records:
            self.controller.apply(self.offset, record)
            self.offset += 1

    def ask(self, body: Any, version: int | None = None) -> Any:
        version = type(body).wire.versions.last if version is None else version
        outcome = self.controller.handle(self.now, Command(body, version, self.offset))
        self._write(list(outcome.records))
        return outcome.reply

    def tick(self) -> None:
        self._write(self.controller.tick(self.now))

    def register(self, id_: int, incarnation: int = 0, previous_epoch: int = -1, **changes: Any) -> int:
        request = broker_registration.BrokerRegistrationRequest(
            broker_id=id_,
            cluster_id=CLUSTER,
            incarnation_id=Uuid(bytes([id_, incarnation]) * 8),
            listeners=[broker_registration.Listener(name="PLAINTEXT", host="h", port=9092 + id_)],
            features=[
                broker_registration.Feature(name=name, min_supported_version=low, max_supported_version=high)
                for name, (low, high) in SUPPORTED.items()
            ],
            rack=None,
            log_dirs=[Uuid(bytes([id_]) * 16)],
            previous_broker_epoch=previous_epoch,
        )
        for name, value in changes.items():
            setattr(request, name, value)
        self.epochs[id_] = self.ask(request).broker_epoch
        return self.epochs[id_]

    def heartbeat(self, id_: int, *, fence: bool = False, stop: bool = False, **fields: Any) -> Any:
        return self.ask(
            broker_heartbeat.BrokerHeartbeatRequest(
                broker_id=id_,
                broker_epoch=self.epochs[id_],
                current_metadata_offset=self.offset,
                want_fence=fence,
                want_shut_down=stop,
                cordoned_log_dirs=fields.pop("cordoned_log_dirs", []),
                **fields,
            )
        )
