"""Quotas, SCRAM credentials, producer ids, and what an unsecured controller says to ACLs and tokens."""

from __future__ import annotations

import pytest

from ottla.core.metadata.nouns import ScramMechanism
from ottla.core.metadata.quotas import describe_quotas
from ottla.core.metadata.scram import describe_credentials, salted_password
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.allocate_producer_ids import AllocateProducerIdsRequest
from ottla.core.wire.messages.alter_client_quotas import (
    AlterClientQuotasRequest,
    EntityDataRequest,
    EntryDataRequest,
    OpData,
)
from ottla.core.wire.messages.alter_user_scram_credentials import (
    AlterUserScramCredentialsRequest,
    ScramCredentialDeletion,
    ScramCredentialUpsertion,
)
from ottla.core.wire.messages.create_acls import AclCreation, CreateAclsRequest
from ottla.core.wire.messages.create_delegation_token import CreateDelegationTokenRequest
from ottla.core.wire.messages.describe_client_quotas import ComponentData, DescribeClientQuotasRequest
from ottla.core.wire.messages.describe_user_scram_credentials import (
    DescribeUserScramCredentialsRequest,
    UserName,
)
from tests.unit.metadata.cluster import Cluster

Entity = dict[str, str | None]


def entry(entity: Entity, key: str, value: float | None) -> EntryDataRequest:
    return EntryDataRequest(
        entity=[EntityDataRequest(entity_type=k, entity_name=v) for k, v in entity.items()],
        ops=[OpData(key=key, value=value or 0.0, remove=value is None)],
    )


def alter(cluster: Cluster, entity: Entity, key: str, value: float | None) -> tuple[int, str | None]:
    (answer,) = cluster.ask(AlterClientQuotasRequest(entries=[entry(entity, key, value)])).entries
    return answer.error_code, answer.error_message


def test_quotas_are_kept_and_found() -> None:
    cluster = Cluster(brokers=1)
    assert alter(cluster, {"user": "bob"}, "producer_byte_rate", 1000.0) == (0, None)
    assert alter(cluster, {"user": None, "client-id": "x"}, "request_percentage", 1.5) == (0, None)

    def found(*components: ComponentData, strict: bool = False) -> list[list[tuple[str, str | None]]]:
        request = DescribeClientQuotasRequest(components=list(components), strict=strict)
        answer = describe_quotas(cluster.image, request).entries or []
        return [[(part.entity_type, part.entity_name) for part in each.entity] for each in answer]

    exact = ComponentData(entity_type="user", match_type=0, match="bob")
    default = ComponentData(entity_type="user", match_type=1, match=None)
    any_user = ComponentData(entity_type="user", match_type=2, match=None)
    assert found(exact) == [[("user", "bob")]]
    assert found(default) == [[("client-id", "x"), ("user", None)]]
    assert found(default, strict=True) == []
    assert len(found(any_user)) == len(found()) == 2
    assert alter(cluster, {"user": "bob"}, "producer_byte_rate", None) == (0, None)
    assert found(exact) == []


@pytest.mark.parametrize(
    ("entity", "key", "value", "text"),
    [
        ({}, "producer_byte_rate", 1.0, "Invalid empty client quota entity"),
        ({"group": "g"}, "producer_byte_rate", 1.0, "Unhandled client quota entity type: group"),
        ({"user": ""}, "producer_byte_rate", 1.0, "Empty user not supported"),
        ({"user": "u"}, "nope", 1.0, "Invalid configuration key nope"),
        ({"user": "u"}, "producer_byte_rate", -1.0, "Quota producer_byte_rate must be greater than 0"),
        ({"user": "u"}, "producer_byte_rate", 1.5, "producer_byte_rate cannot be a fractional value."),
        (
            {"ip": "10.0.0.1"},
            "connection_creation_rate",
            3e9,
            "Proposed value for connection_creation_rate is too large for an INT.",
        ),
        (
            {"ip": "not a host"},
            "connection_creation_rate",
            1.0,
            "not a host is not a valid IP or resolvable host.",
        ),
        (
            {"ip": "::1", "user": "u"},
            "connection_creation_rate",
            1.0,
            "Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId",
        ),
    ],
)
def test_quotas_that_are_refused(entity: Entity, key: str, value: float, text: str) -> None:
    assert alter(Cluster(brokers=1), entity, key, value) == (ErrorCode.INVALID_REQUEST, text)


def test_an_entity_named_twice_is_refused_the_second_time() -> None:
    cluster = Cluster(brokers=1)
    twice = [entry({"user": "u"}, "producer_byte_rate", value) for value in (1.0, 2.0)]
    (answer,) = cluster.ask(AlterClientQuotasRequest(entries=twice)).entries
    assert answer.error_code == ErrorCode.INVALID_REQUEST


def upsert(name: str = "alice", mechanism: int = 1, iterations: int = 4096) -> ScramCredentialUpsertion:
    salted = salted_password(ScramMechanism.SCRAM_SHA_256, b"pencil", b"salt", 4096)
    return ScramCredentialUpsertion(
        name=name, mechanism=mechanism, iterations=iterations, salt=b"salt", salted_password=salted
    )


def credentials(
    cluster: Cluster, *changes: ScramCredentialUpsertion | ScramCredentialDeletion
) -> dict[str, int]:
    request = AlterUserScramCredentialsRequest(
        deletions=[c for c in changes if isinstance(c, ScramCredentialDeletion)],
        upsertions=[c for c in changes if isinstance(c, ScramCredentialUpsertion)],
    )
    return {result.user: result.error_code for result in cluster.ask(request).results}


def test_credentials_are_stored_as_rfc_5802_derives_them() -> None:
    # The example of RFC 7677: user "user", password "pencil".
    cluster = Cluster(brokers=1)
    salt = bytes.fromhex("5b6d99689d12358eeca04b141236fa81")
    salted = salted_password(ScramMechanism.SCRAM_SHA_256, b"pencil", salt, 4096)
    change = ScramCredentialUpsertion(
        name="user", mechanism=1, iterations=4096, salt=salt, salted_password=salted
    )
    assert credentials(cluster, change) == {"user": 0}
    stored = cluster.image.scram[(1, "user")]
    assert stored.stored_key.hex() == "586e5df283e6dceb5c3e791d8b8528ec191e664045ce971792e2e6b5bb13e2a6"
    assert stored.server_key.hex() == "c1f3cbc1c13a9d35a14c0990eed97629ea225863e566a4314ab99f3f00e5d9d5"
    assert stored.salt == salt
    assert "stored_key" not in repr(stored)


def test_credentials_come_and_go() -> None:
    cluster = Cluster(brokers=1)
    assert credentials(cluster, upsert()) == {"alice": 0}
    answer = describe_credentials(cluster.image, DescribeUserScramCredentialsRequest(users=None))
    assert [(r.user, r.credential_infos[0].iterations) for r in answer.results] == [("alice", 4096)]
    named = DescribeUserScramCredentialsRequest(users=[UserName(name=n) for n in ("alice", "alice", "bob")])
    assert [r.error_code for r in describe_credentials(cluster.image, named).results] == [
        ErrorCode.DUPLICATE_RESOURCE,
        ErrorCode.RESOURCE_NOT_FOUND,
    ]
    assert credentials(cluster, ScramCredentialDeletion(name="alice", mechanism=1)) == {"alice": 0}
    assert cluster.image.scram == {}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (upsert(name=""), ErrorCode.UNACCEPTABLE_CREDENTIAL),
        (upsert(mechanism=9), ErrorCode.UNSUPPORTED_SASL_MECHANISM),
        (upsert(iterations=10), ErrorCode.UNACCEPTABLE_CREDENTIAL),
        (upsert(iterations=99_999), ErrorCode.UNACCEPTABLE_CREDENTIAL),
        (ScramCredentialDeletion(name="bob", mechanism=1), ErrorCode.RESOURCE_NOT_FOUND),
    ],
)
def test_credentials_that_are_refused(
    change: ScramCredentialUpsertion | ScramCredentialDeletion, code: ErrorCode
) -> None:
    assert credentials(Cluster(brokers=1), change) == {change.name: code}


def test_producer_ids_are_never_handed_out_twice() -> None:
    cluster = Cluster(brokers=2)
    blocks = []
    for broker in (1, 2, 1):
        request = AllocateProducerIdsRequest(broker_id=broker, broker_epoch=cluster.epochs[broker])
        reply = cluster.ask(request)
        blocks.append((reply.producer_id_start, reply.producer_id_len))
    assert blocks == [(0, 1000), (1000, 1000), (2000, 1000)]
    with pytest.raises(KafkaError):
        cluster.ask(AllocateProducerIdsRequest(broker_id=1, broker_epoch=-1))


def test_without_security_there_are_no_acls_and_no_tokens() -> None:
    cluster = Cluster(brokers=1)
    (answer,) = cluster.ask(CreateAclsRequest(creations=[AclCreation()])).results
    assert (answer.error_code, answer.error_message) == (
        ErrorCode.SECURITY_DISABLED,
        "No Authorizer is configured.",
    )
    token = cluster.ask(CreateDelegationTokenRequest())
    assert token.error_code == ErrorCode.DELEGATION_TOKEN_AUTH_DISABLED
