"""Every message in every version comes back as it was; whatever else comes in is refused as what it is."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ottla.core.wire.codec import DecodeError, decode, encode, encode_parts
from ottla.core.wire.declaration import Body
from ottla.core.wire.frames import SIZE, FrameError, FrameReader
from ottla.core.wire.messages.fetch import FetchRequest, FetchResponse
from ottla.core.wire.messages.metadata import MetadataResponse
from ottla.core.wire.messages.produce import ProduceRequest
from ottla.core.wire.metadata_frame import decode_metadata_record
from tests.properties.wire_messages import declared, every_version, message

QUICK = settings(
    max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)


@pytest.mark.parametrize("cls", declared(), ids=lambda cls: cls.__name__)
@QUICK
@given(data=st.data())
def test_a_message_comes_back_as_it_was(cls: type[Body], data: st.DataObject) -> None:
    for version in cls.wire.versions.each():
        before = data.draw(message(cls, version), label=f"version {version}")
        written = encode(before, version)
        assert decode(cls, written, version) == before
        assert b"".join(encode_parts(before, version)) == written  # type: ignore[arg-type]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(every_version()), st.binary(max_size=200))
def test_noise_is_refused_or_read_but_never_crashes(which: tuple[type[Body], int], noise: bytes) -> None:
    cls, version = which
    try:
        decode(cls, noise, version)
    except DecodeError:
        pass


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([(FetchRequest, 18), (FetchResponse, 16), (MetadataResponse, 13), (ProduceRequest, 9)]),
    st.data(),
)
def test_a_damaged_message_is_refused_or_read_but_never_crashes(
    which: tuple[type[Body], int], data: st.DataObject
) -> None:
    cls, version = which
    whole = bytearray(encode(data.draw(message(cls, version)), version))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    for damaged in (bytes(whole), bytes(whole[:cut])):
        try:
            decode(cls, damaged, version)
        except DecodeError:
            pass


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([(FetchRequest, 12), (MetadataResponse, 9), (ProduceRequest, 3)]), st.data())
def test_every_true_prefix_is_refused(which: tuple[type[Body], int], data: st.DataObject) -> None:
    cls, version = which
    whole = encode(data.draw(message(cls, version)), version)
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(DecodeError):
        decode(cls, whole[:cut], version)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_noise_in_the_metadata_log_never_crashes(noise: bytes) -> None:
    try:
        decode_metadata_record(noise)
    except DecodeError:
        pass


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=40_000), max_size=6), st.lists(st.integers(1, 50_000), min_size=1))
def test_frames_come_out_whole_however_they_were_cut(frames: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(SIZE.pack(len(frame)) + frame for frame in frames)
    reader = FrameReader(40_000)
    received: list[bytes] = []
    at = turn = 0
    while at < len(stream):
        room = reader.buffer()
        assert len(room) > 0
        count = min(len(room), cuts[turn % len(cuts)], len(stream) - at)
        room[:count] = stream[at : at + count]
        received += reader.filled(count)
        at, turn = at + count, turn + 1
    assert received == frames
    assert reader.pending == 0


@settings(max_examples=200, deadline=None)
@given(st.binary(min_size=1, max_size=100))
def test_noise_is_a_frame_or_a_frame_error(noise: bytes) -> None:
    reader = FrameReader(50)
    reader.buffer()[: len(noise)] = noise
    try:
        assert all(len(frame) <= 50 for frame in reader.filled(len(noise)))
    except FrameError as error:
        assert all(len(frame) <= 50 for frame in error.frames)
