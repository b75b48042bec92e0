from __future__ import annotations

import pytest

from ottla.core.wire.frames import FIRST_BYTES, PATIENCE, FrameError, FrameReader, frame


class Slice:
    """A stretch of a file."""

    size = 1000


def receive(reader: FrameReader, data: bytes) -> list[bytes]:
    frames = []
    while data:
        room = reader.buffer()
        count = min(len(room), len(data))
        room[:count] = data[:count]
        frames += reader.filled(count)
        data = data[count:]
    return frames


def framed(*bodies: bytes) -> bytes:
    return b"".join(len(body).to_bytes(4, "big") + body for body in bodies)


def test_many_frames_in_one_reception_and_one_frame_in_many() -> None:
    reader = FrameReader(100)
    assert receive(reader, framed(b"one", b"", b"three") + b"\x00\x00") == [b"one", b"", b"three"]
    assert reader.pending == 2
    assert receive(reader, b"\x00") == []
    assert receive(reader, b"\x02h") == []
    assert receive(reader, b"i") == [b"hi"]
    assert reader.pending == 0


def test_frames_come_out_whole_wherever_the_buffer_ends() -> None:
    bodies = [bytes([number % 251]) * (number * 37 % 5000) for number in range(400)]
    reader = FrameReader(5000)
    stream, got = framed(*bodies), []
    for start in range(0, len(stream), 7001):
        got += receive(reader, stream[start : start + 7001])
    assert got == bodies


def test_a_frame_is_bytes_that_outlive_the_buffer() -> None:
    reader = FrameReader(100)
    (first,) = receive(reader, framed(b"first"))
    receive(reader, framed(b"other"))
    assert type(first) is bytes
    assert first == b"first"


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        (b"\xff\xff\xff\xff", "-1 bytes cannot be"),
        (b"\x00\x00\x00\x65", "101 bytes is larger than the 100 allowed"),
    ],
)
def test_a_size_that_cannot_be_is_refused_at_once(size: bytes, reason: str) -> None:
    with pytest.raises(FrameError, match=reason):
        receive(FrameReader(100), size)


def test_frames_before_a_bad_one_are_not_lost() -> None:
    with pytest.raises(FrameError) as refused:
        receive(FrameReader(100), framed(b"good") + b"GET / HTTP/1.1")
    assert refused.value.frames == [b"good"]


def test_the_buffer_grows_with_what_came_not_with_what_was_announced() -> None:
    reader = FrameReader(1 << 30)
    receive(reader, (1 << 29).to_bytes(4, "big"))
    assert len(reader.buffer()) < FIRST_BYTES
    receive(reader, bytes(100_000))
    assert len(reader.buffer()) + reader.pending <= 4 * 100_000


def test_a_large_frame_needs_no_more_room_than_itself() -> None:
    reader = FrameReader(1 << 20)
    body = bytes(1_000_000)
    assert receive(reader, framed(body)[:-1]) == []
    assert len(reader.buffer()) == 1
    assert receive(reader, b"\x00") == [body]


def test_a_buffer_that_grew_is_given_back_when_large_frames_cease() -> None:
    reader = FrameReader(1 << 20)
    receive(reader, framed(bytes(500_000)))
    assert len(reader.buffer()) > FIRST_BYTES
    for _ in range(PATIENCE + 1):
        receive(reader, framed(b"small"))
    assert len(reader.buffer()) == FIRST_BYTES


def test_a_connection_gone_quiet_can_give_its_buffer_back() -> None:
    reader = FrameReader(1 << 20)
    receive(reader, framed(bytes(500_000)) + b"\x00")
    grown = len(reader.buffer()) + reader.pending
    reader.rest()
    assert len(reader.buffer()) + reader.pending == grown, "a frame is under way"
    receive(reader, b"\x00\x00\x00")
    reader.rest()
    assert len(reader.buffer()) == FIRST_BYTES


def test_the_limit_may_change_on_the_way() -> None:
    reader = FrameReader(10)
    reader.max_bytes = 20
    assert receive(reader, framed(bytes(20))) == [bytes(20)]


def test_a_reply_gets_its_size_in_front() -> None:
    stretch = Slice()
    assert frame([b"head", stretch, b"tail"]) == [b"\x00\x00\x03\xf0head", stretch, b"tail"]
    assert frame([stretch]) == [b"\x00\x00\x03\xe8", stretch]
