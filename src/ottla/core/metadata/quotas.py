"""Client quotas, stored and described (AlterClientQuotas, DescribeClientQuotas; KIP-546)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from ottla.core.metadata.image import MetadataImage
from ottla.core.metadata.nouns import QuotaEntity
from ottla.core.metadata.state import Command, State
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.machine import Outcome
from ottla.core.wire.messages.alter_client_quotas import (
    AlterClientQuotasRequest,
    AlterClientQuotasResponse,
    EntityDataRequest,
    EntityDataResponse,
    EntryDataRequest,
    EntryDataResponse,
)
from ottla.core.wire.messages.describe_client_quotas import (
    ComponentData,
    DescribeClientQuotasRequest,
    DescribeClientQuotasResponse,
    EntryData,
    ValueData,
)
from ottla.core.wire.messages.describe_client_quotas import EntityData as DescribedEntity
from ottla.core.wire.messages.records.metadata import ClientQuotaRecord, EntityData

USER: Final = "user"
CLIENT_ID: Final = "client-id"
IP: Final = "ip"

MATCH_EXACT: Final = 0
MATCH_DEFAULT: Final = 1
MATCH_SPECIFIED: Final = 2

_LONG: Final = 2**63 - 1
_INT: Final = 2**31 - 1
_USER_KEYS: Final[dict[str, tuple[str, int] | None]] = {
    "producer_byte_rate": ("LONG", _LONG),
    "consumer_byte_rate": ("LONG", _LONG),
    "request_percentage": None,
    "controller_mutation_rate": None,
}
_IP_KEYS: Final[dict[str, tuple[str, int] | None]] = {"connection_creation_rate": ("INT", _INT)}

_HOST: Final = re.compile(r"[0-9A-Fa-f:.]+|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


def _refuse(text: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_REQUEST, text)


def alter_quotas(
    state: State, now: int, command: Command, request: AlterClientQuotasRequest
) -> Outcome[object, AlterClientQuotasResponse]:
    """Each entity succeeds or fails by itself; one that is named twice fails."""
    records: list[object] = []
    answers: dict[QuotaEntity, EntryDataResponse] = {}
    for entry in request.entries:
        entry.entity = list({part.entity_type: part for part in entry.entity}.values())
        entity = tuple(sorted((part.entity_type, part.entity_name) for part in entry.entity))
        answer = EntryDataResponse(
            error_message=None,
            entity=[
                EntityDataResponse(entity_type=part.entity_type, entity_name=part.entity_name)
                for part in entry.entity
            ],
        )
        try:
            if entity in answers:
                raise _refuse(f"Ignoring duplicate entity {_entity_text(entity)}")
            records += _alter_entity(state.image, entity, entry)
        except KafkaError as error:
            answer.error_code, answer.error_message = error.code, error.text
        answers[entity] = answer
    reply = AlterClientQuotasResponse(entries=list(answers.values()))
    return Outcome([] if request.validate_only else records, reply)


def _entity_text(entity: QuotaEntity) -> str:
    return "ClientQuotaEntity(entries={%s})" % ", ".join(f"{kind}={name}" for kind, name in entity)  # noqa: UP031


def _alter_entity(image: MetadataImage, entity: QuotaEntity, entry: EntryDataRequest) -> list[object]:
    keys = _keys_of(entry.entity)
    current = image.client_quotas.get(entity, {})
    seen: set[str] = set()
    records: list[object] = []
    parts = [EntityData(entity_type=part.entity_type, entity_name=part.entity_name) for part in entry.entity]
    for op in entry.ops:
        if op.key in seen:
            raise _refuse(f"Ignoring duplicate entity {_entity_text(entity)}")
        seen.add(op.key)
        if op.remove:
            if op.key in current:
                records.append(ClientQuotaRecord(entity=parts, key=op.key, remove=True))
            continue
        _check_value(keys, op.key, op.value)
        if current.get(op.key) != op.value:
            records.append(ClientQuotaRecord(entity=parts, key=op.key, value=op.value))
    return records


def _keys_of(parts: list[EntityDataRequest]) -> dict[str, tuple[str, int] | None]:
    """The quota keys this kind of entity may have."""
    if not parts:
        raise _refuse("Invalid empty client quota entity")
    kinds: set[str] = set()
    for part in parts:
        if part.entity_type in kinds:
            raise _refuse(f"Invalid client quota entity, duplicate entity entry {part.entity_type}")
        if part.entity_type not in (USER, CLIENT_ID, IP):
            raise _refuse(f"Unhandled client quota entity type: {part.entity_type}")
        if part.entity_name == "":
            raise _refuse(f"Empty {part.entity_type} not supported")
        kinds.add(part.entity_type)
    if IP not in kinds:
        return _USER_KEYS
    if len(kinds) > 1:
        raise _refuse(
            "Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId"
        )
    name = parts[0].entity_name
    if name is not None and not _HOST.fullmatch(name):
        raise _refuse(f"{name} is not a valid IP or resolvable host.")
    return _IP_KEYS


def _check_value(keys: dict[str, tuple[str, int] | None], key: str, value: float) -> None:
    if key not in keys:
        raise _refuse(f"Invalid configuration key {key}")
    if value <= 0.0:
        raise _refuse(f"Quota {key} must be greater than 0")
    whole = keys[key]
    if whole is None:
        return
    kind, largest = whole
    if value > largest:
        article = "an" if kind == "INT" else "a"
        raise _refuse(f"Proposed value for {key} is too large for {article} {kind}.")
    if abs(value % 1.0) > 1e-6:
        raise _refuse(f"{key} cannot be a fractional value.")


def describe_quotas(
    image: MetadataImage, request: DescribeClientQuotasRequest
) -> DescribeClientQuotasResponse:
    """The quotas of the entities that match every component; `strict` allows no further entity types."""
    exact, typed = _filter(request.components)
    entries = [
        EntryData(
            entity=[DescribedEntity(entity_type=kind, entity_name=name) for kind, name in entity],
            values=[ValueData(key=key, value=value) for key, value in quotas.items()],
        )
        for entity, quotas in image.client_quotas.items()
        if _matches(dict(entity), exact, typed, request.strict)
    ]
    return DescribeClientQuotasResponse(entries=entries)


def _matches(
    entity: dict[str, str | None], exact: dict[str, str | None], typed: set[str], strict: bool
) -> bool:
    if strict and len(entity) != len(exact) + len(typed):
        return False
    named = all(kind in entity and entity[kind] == name for kind, name in exact.items())
    return named and all(kind in entity for kind in typed)


def _filter(components: Iterable[ComponentData]) -> tuple[dict[str, str | None], set[str]]:
    exact: dict[str, str | None] = {}
    typed: set[str] = set()
    for component in components:
        kind = component.entity_type
        if not kind:
            raise _refuse("Invalid empty entity type.")
        if kind in exact or kind in typed:
            raise _refuse(f"Entity type {kind} cannot appear more than once in the filter.")
        if kind not in (USER, CLIENT_ID, IP):
            raise KafkaError(ErrorCode.UNSUPPORTED_VERSION, f"Unsupported entity type {kind}")
        _check_match(component)
        if component.match_type == MATCH_SPECIFIED:
            typed.add(kind)
        else:
            exact[kind] = component.match
    if IP in (kinds := {*exact, *typed}) and len(kinds) > 1:
        raise _refuse(
            "Invalid entity filter component combination. IP filter component should not be used with user or "
            "clientId filter component."
        )
    return exact, typed


def _check_match(component: ComponentData) -> None:
    if component.match_type == MATCH_EXACT:
        if component.match is None:
            raise _refuse("Request specified MATCH_TYPE_EXACT, but set match string to null.")
    elif component.match_type in (MATCH_DEFAULT, MATCH_SPECIFIED):
        if component.match is not None:
            name = "DEFAULT" if component.match_type == MATCH_DEFAULT else "SPECIFIED"
            raise _refuse(f"Request specified MATCH_TYPE_{name}, but also specified a match string.")
    else:
        raise _refuse(f"Unknown match type {component.match_type}")
