from __future__ import annotations

import pytest

from ottla.core.wire.apis import API, ApiKey, ListenerRole, advertised, unsupported
from ottla.core.wire.codec import DecodeError, encode
from ottla.core.wire.declaration import Body, shape_of
from ottla.core.wire.headers import (
    RequestHeader,
    ResponseHeader,
    header_versions,
    opening,
    read_request_header,
)
from ottla.core.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from ottla.core.wire.messages.records.metadata import ConfigRecord
from ottla.core.wire.messages.sasl_authenticate import SaslAuthenticateRequest
from ottla.core.wire.permissions import CLUSTER_ACTION
from ottla.core.wire.redaction import redacted

BROKER, CONTROLLER = ListenerRole.BROKER, ListenerRole.CONTROLLER


def test_every_key_has_its_line() -> None:
    assert list(API) == list(ApiKey)
    assert not set(API) & {4, 5, 6, 7}


def test_versions_come_from_the_declarations() -> None:
    fetch = API[ApiKey.FETCH]
    assert (fetch.min_version, fetch.max_version, fetch.first_flexible) == (4, 18, 12)
    assert API[ApiKey.SASL_HANDSHAKE].first_flexible is None


def test_produce_is_advertised_from_0_to_please_librdkafka() -> None:
    assert advertised(BROKER)[0] == (ApiKey.PRODUCE, 0, 13)
    assert unsupported(ApiKey.PRODUCE, 0, BROKER) == "Produce is served in versions 3 to 13, not 0"


def test_an_unstable_version_is_offered_only_when_asked_for() -> None:
    def last(unstable: bool) -> int:
        return next(each.max_version for each in advertised(BROKER, unstable=unstable) if each.key == 22)

    assert (last(False), last(True)) == (5, 6)
    assert unsupported(ApiKey.INIT_PRODUCER_ID, 6, BROKER) is not None
    assert unsupported(ApiKey.INIT_PRODUCER_ID, 6, BROKER, unstable=True) is None


def test_telemetry_is_advertised_only_where_somebody_takes_it() -> None:
    assert {71, 72} & {each.key for each in advertised(BROKER)} == set()
    assert {71, 72} <= {each.key for each in advertised(BROKER, telemetry=True)}


def test_a_listener_serves_what_belongs_on_it() -> None:
    assert unsupported(ApiKey.VOTE, 0, CONTROLLER) is None
    assert unsupported(ApiKey.VOTE, 0, BROKER) == "Vote is not served on a broker listener"
    assert unsupported(ApiKey.PRODUCE, 9, CONTROLLER) == "Produce is not served on a controller listener"
    assert unsupported(5, 0, BROKER) == "there is no API with key 5"
    assert unsupported(-1, 0, BROKER) is not None


def test_api_versions_is_taken_in_any_version() -> None:
    assert unsupported(ApiKey.API_VERSIONS, 99, BROKER) is None


def test_only_three_apis_come_before_authentication_and_they_are_small() -> None:
    early = {api.name for api in API.values() if api.before_authentication}
    assert early == {"ApiVersions", "SaslHandshake", "SaslAuthenticate"}
    assert all((api.max_request_bytes == 524_288) == api.before_authentication for api in API.values())


def test_what_only_the_quorum_serves_is_for_nodes_of_the_cluster() -> None:
    for api in API.values():
        if api.listeners == {CONTROLLER}:
            assert api.needs == (CLUSTER_ACTION,)
            assert api.cluster_action
        if api.forwarded:
            assert api.listeners == {BROKER, CONTROLLER}, api


def test_sensitive_fields_exist_under_their_names() -> None:
    for api in API.values():
        text = f"{_names(api.request)} {_names(api.response)}".split()
        assert api.sensitive <= set(text), api


def _names(cls: type[Body]) -> str:
    found = []
    for field in shape_of(cls):
        found.append(field.name)
        if isinstance(field.kind, type) and issubclass(field.kind, Body):
            found.append(_names(field.kind))
    return " ".join(found)


def test_a_secret_is_not_in_the_text_of_a_message() -> None:
    text = redacted(SaslAuthenticateRequest(auth_bytes=b"\x00me\x00secret"))
    assert text == "SaslAuthenticateRequest(auth_bytes=…)"
    assert redacted(ConfigRecord(name="ssl.key.password", value="secret")) == (
        "ConfigRecord(name='ssl.key.password', value=…)"
    )


def test_the_text_of_a_message_is_short() -> None:
    request = ProduceRequest(
        transactional_id="x" * 1000,
        topic_data=[TopicProduceData(partition_data=[PartitionProduceData(n, bytes(500)) for n in range(9)])],
    )
    text = redacted(request)
    assert len(text) < 500
    assert "records=<500 bytes>" in text
    assert "… 9 in all" in text


@pytest.mark.parametrize(
    ("key", "version", "expected"),
    [
        (ApiKey.FETCH, 11, (1, 0)),
        (ApiKey.FETCH, 12, (2, 1)),
        (ApiKey.API_VERSIONS, 2, (1, 0)),
        (ApiKey.API_VERSIONS, 3, (2, 0)),
        (ApiKey.API_VERSIONS, 99, (2, 0)),
        (ApiKey.SASL_HANDSHAKE, 1, (1, 0)),
    ],
)
def test_header_versions(key: ApiKey, version: int, expected: tuple[int, int]) -> None:
    assert header_versions(key, version) == expected


def test_a_flexible_request_header_keeps_the_old_client_id() -> None:
    header = RequestHeader(request_api_key=1, request_api_version=12, correlation_id=7, client_id="me")
    frame = bytes.fromhex("0001 000c 00000007 0002 6d65 00")
    assert encode(header, 2) == frame
    assert opening(frame) == (1, 12, 7)
    assert read_request_header(frame + b"body", ApiKey.FETCH, 12) == (header, len(frame))
    assert encode(ResponseHeader(correlation_id=7), 1) == b"\x00\x00\x00\x07\x00"


def test_a_frame_without_a_header_is_refused() -> None:
    with pytest.raises(DecodeError, match="7 bytes has no header"):
        opening(bytes(7))
    with pytest.raises(DecodeError):
        read_request_header(bytes(9), ApiKey.FETCH, 4)
