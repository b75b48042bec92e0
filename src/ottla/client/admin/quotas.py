"""Quotas of users, clients and addresses: describe and change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Final

import msgspec

from ottla.client.admin.base import AdminCalls, Done, check, error_or_none
from ottla.core.model.errors import KafkaError
from ottla.core.wire.messages.alter_client_quotas import (
    AlterClientQuotasRequest,
    AlterClientQuotasResponse,
    EntityDataRequest,
    EntryDataRequest,
    OpData,
)
from ottla.core.wire.messages.describe_client_quotas import (
    ComponentData,
    DescribeClientQuotasRequest,
    DescribeClientQuotasResponse,
)

USER: Final = "user"
CLIENT_ID: Final = "client-id"
IP: Final = "ip"


class QuotaEntity(msgspec.Struct, frozen=True):
    """Whom a quota binds: (type, name) pairs, sorted. The name None is the default of its type."""

    parts: tuple[tuple[str, str | None], ...]

    @classmethod
    def of(cls, names: Mapping[str, str | None]) -> QuotaEntity:
        return cls(tuple(sorted(names.items())))

    def __str__(self) -> str:
        return " ".join(f"{kind} {'<default>' if name is None else name}" for kind, name in self.parts)


class Match(IntEnum):
    """How a part of an entity is looked for."""

    EXACT = 0
    DEFAULT = 1
    ANY = 2


class QuotaFilter(msgspec.Struct, frozen=True):
    """A part that entities must have."""

    type: str
    match: Match = Match.ANY
    name: str | None = None


class Quotas(AdminCalls):
    """Administration of quotas."""

    async def describe_quotas(
        self, parts: Sequence[QuotaFilter] = (), *, strict: bool = False
    ) -> dict[QuotaEntity, dict[str, float]]:
        """Quotas of the entities that have all these parts; `strict`: and no others. Raises KafkaError."""
        request = DescribeClientQuotasRequest(
            components=[ComponentData(each.type, each.match, each.name) for each in parts], strict=strict
        )
        answer = await self.cluster.on_any(request, DescribeClientQuotasResponse)
        check(answer.error_code, answer.error_message)
        return {
            QuotaEntity.of({part.entity_type: part.entity_name for part in entry.entity}): {
                value.key: value.value for value in sorted(entry.values, key=lambda each: each.key)
            }
            for entry in answer.entries or []
        }

    async def alter_quotas(
        self, changes: Mapping[QuotaEntity, Mapping[str, float | None]], *, validate_only: bool = False
    ) -> Done[QuotaEntity]:
        """Set quotas, or remove them where the value is None; or only check that it could be done."""
        request = AlterClientQuotasRequest(
            entries=[
                EntryDataRequest(
                    entity=[EntityDataRequest(kind, name) for kind, name in entity.parts],
                    ops=[OpData(key, value or 0.0, value is None) for key, value in values.items()],
                )
                for entity, values in changes.items()
            ],
            validate_only=validate_only,
        )
        answer = await self._from_controller(
            request, AlterClientQuotasResponse, lambda found: (entry.error_code for entry in found.entries)
        )
        done: dict[QuotaEntity, KafkaError | None] = {}
        for entry in answer.entries:
            entity = QuotaEntity.of({part.entity_type: part.entity_name for part in entry.entity})
            done[entity] = error_or_none(entry.error_code, entry.error_message)
        return done
