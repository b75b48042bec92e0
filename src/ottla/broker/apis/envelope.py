"""Envelope (key 58): a client's request that another broker received and passes on (KIP-590).

Behaviour: the request inside is read, checked to be one that brokers may forward, answered as if its client had come
here, and the answer travels back inside. The principal is the client's, not the sending broker's. Errors of the envelope
itself: PRINCIPAL_DESERIALIZATION_FAILURE, INVALID_REQUEST for an address that is none and for what may not be forwarded,
UNSUPPORTED_VERSION for a request that cannot be read.
"""

from __future__ import annotations

import struct
from ipaddress import ip_address

from ottla.broker.context import Caller, Context
from ottla.broker.error_replies import error_reply
from ottla.broker.services import Services
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.apis import API, Api, ListenerRole
from ottla.core.wire.codec import DecodeError, decode, decode_from, encode
from ottla.core.wire.declaration import Body
from ottla.core.wire.headers import ResponseHeader, header_versions, opening, read_request_header
from ottla.core.wire.messages.default_principal import DefaultPrincipalData
from ottla.core.wire.messages.envelope import EnvelopeRequest, EnvelopeResponse
from ottla.world.doors import Address

PASSED_ON = ""
"""The listener of a request that came inside an envelope: none of ours."""


async def handle(services: Services, context: Context, request: EnvelopeRequest) -> EnvelopeResponse:
    api, version, inner, body = _open(context, request)
    try:
        answer: Body | None = await services.controller.request(inner, api.key, body)
    except KafkaError as error:
        answer = error_reply(api, body, version, error)
    if answer is None:
        raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
    header = ResponseHeader(correlation_id=inner.correlation_id)
    data = encode(header, header_versions(api.key, version)[1]) + encode(answer, version)
    return EnvelopeResponse(response_data=data)


def _open(context: Context, request: EnvelopeRequest) -> tuple[Api, int, Context, Body]:
    """The API and version inside, and the request as its client made it. Raises KafkaError."""
    caller = _client(context, request)
    data = bytes(request.request_data)
    try:
        key, version, correlation_id = opening(data)
        api = API.get(key)  # type: ignore[call-overload]
        if api is None:
            raise KafkaError(ErrorCode.UNSUPPORTED_VERSION, f"There is no API with key {key}.")
        if not api.forwarded:
            raise KafkaError(ErrorCode.INVALID_REQUEST, f"A request with key {key} may not be forwarded.")
        if not api.min_version <= version <= api.max_stable_version:
            raise KafkaError(ErrorCode.UNSUPPORTED_VERSION, f"{api.name} has no version {version}.")
        header, position = read_request_header(data, api.key, version)
        body, _ = decode_from(api.request, data, version, position)
    except DecodeError as error:
        raise KafkaError(ErrorCode.UNSUPPORTED_VERSION, f"The request cannot be read: {error}") from error
    return (
        api,
        version,
        Context(caller, key, version, correlation_id, header.client_id, context.started),
        body,
    )


def _client(context: Context, request: EnvelopeRequest) -> Caller:
    if request.request_principal is None:
        raise KafkaError(ErrorCode.PRINCIPAL_DESERIALIZATION_FAILURE, "The client has no principal.")
    principal = _principal(bytes(request.request_principal))
    try:
        host = str(ip_address(bytes(request.client_host_address)))
    except ValueError as error:
        raise KafkaError(ErrorCode.INVALID_REQUEST, "The client's address is no IP address.") from error
    caller = Caller(
        PASSED_ON, ListenerRole.BROKER, context.caller.security_protocol, Address(host, 0), context.local
    )
    caller.principal = principal
    return caller


def _principal(data: bytes) -> str:
    try:
        (version,) = struct.unpack_from(">h", data)
        principal = decode(DefaultPrincipalData, data, min(version, 0), 2)
    except (DecodeError, struct.error) as error:
        raise KafkaError(
            ErrorCode.PRINCIPAL_DESERIALIZATION_FAILURE, f"The client's principal cannot be read: {error}"
        ) from error
    return f"{principal.type}:{principal.name}"
