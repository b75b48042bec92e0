"""XXH3, 64 bits, seed 0, over bytes: the hash by which Kafka's coordinators notice that topics changed.

The value is kept in records, so it must be this function and no other. Four ways by length, as its author laid out
(https://github.com/Cyan4973/xxHash, doc/xxhash_spec.md): up to 16 bytes, up to 128, up to 240, and beyond that eight
lanes that swallow 64 bytes a round.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

_MASK: Final = (1 << 64) - 1
_P32_1: Final = 0x9E3779B1
_P32_2: Final = 0x85EBCA77
_P32_3: Final = 0xC2B2AE3D
_P64_1: Final = 0x9E3779B185EBCA87
_P64_2: Final = 0xC2B2AE3D27D4EB4F
_P64_3: Final = 0x165667B19E3779F9
_P64_4: Final = 0x85EBCA77C2B2AE63
_P64_5: Final = 0x27D4EB2F165667C5
_MIX_1: Final = 0x165667919E3779F9
_MIX_2: Final = 0x9FB21C651E98DF25

_SECRET: Final = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f"
    "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
    "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364"
    "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e"
    "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
)
_U32: Final = Struct("<I")
_U64: Final = Struct("<Q")
_LANES: Final = Struct("<8Q")

_STRIPE: Final = 64
_STRIPES_IN_BLOCK: Final = (len(_SECRET) - _STRIPE) // 8
_BLOCK: Final = _STRIPE * _STRIPES_IN_BLOCK
_SHORT: Final = 16
_MIDDLE: Final = 128
_LONG: Final = 240

_ROUND_SECRETS: Final = tuple(_LANES.unpack_from(_SECRET, 8 * index) for index in range(_STRIPES_IN_BLOCK))
_SCRAMBLE_SECRET: Final = _LANES.unpack_from(_SECRET, len(_SECRET) - _STRIPE)
_LAST_SECRET: Final = _LANES.unpack_from(_SECRET, len(_SECRET) - _STRIPE - 7)


def xxh3(data: bytes) -> int:
    """The hash as an unsigned number."""
    if len(data) <= _SHORT:
        return _short(data)
    if len(data) <= _MIDDLE:
        return _middle(data)
    return _long(data) if len(data) <= _LONG else _longest(data)


def _u64(data: bytes, position: int) -> int:
    value: int = _U64.unpack_from(data, position)[0]
    return value


def _u32(data: bytes, position: int) -> int:
    value: int = _U32.unpack_from(data, position)[0]
    return value


def _folded(left: int, right: int) -> int:
    """Both halves of the product of 128 bits."""
    product = left * right
    return (product & _MASK) ^ (product >> 64)


def _avalanche(value: int) -> int:
    value ^= value >> 37
    value = value * _MIX_1 & _MASK
    return value ^ value >> 32


def _older_avalanche(value: int) -> int:
    """The one of XXH64, which the shortest inputs keep."""
    value ^= value >> 33
    value = value * _P64_2 & _MASK
    value ^= value >> 29
    value = value * _P64_3 & _MASK
    return value ^ value >> 32


def _short(data: bytes) -> int:
    length = len(data)
    if length > 8:
        low = _u64(data, 0) ^ _u64(_SECRET, 24) ^ _u64(_SECRET, 32)
        high = _u64(data, length - 8) ^ _u64(_SECRET, 40) ^ _u64(_SECRET, 48)
        swapped = int.from_bytes(low.to_bytes(8, "little"), "big")
        return _avalanche((length + swapped + high + _folded(low, high)) & _MASK)
    if length >= 4:
        mixed = (_u32(data, length - 4) + (_u32(data, 0) << 32)) ^ _u64(_SECRET, 8) ^ _u64(_SECRET, 16)
        mixed ^= _rotated(mixed, 49) ^ _rotated(mixed, 24)
        mixed = mixed * _MIX_2 & _MASK
        mixed ^= (mixed >> 35) + length
        mixed = mixed * _MIX_2 & _MASK
        return mixed ^ mixed >> 28
    if length:
        combined = data[0] << 16 | data[length >> 1] << 24 | data[-1] | length << 8
        return _older_avalanche(combined ^ _u32(_SECRET, 0) ^ _u32(_SECRET, 4))
    return _older_avalanche(_u64(_SECRET, 56) ^ _u64(_SECRET, 64))


def _rotated(value: int, bits: int) -> int:
    return (value << bits | value >> (64 - bits)) & _MASK


def _mixed(data: bytes, position: int, secret: int) -> int:
    """Sixteen bytes against sixteen of the secret."""
    return _folded(
        _u64(data, position) ^ _u64(_SECRET, secret), _u64(data, position + 8) ^ _u64(_SECRET, secret + 8)
    )


def _middle(data: bytes) -> int:
    """Pairs of sixteen bytes from both ends towards the middle."""
    length = len(data)
    value = length * _P64_1
    for pair in range((length - 1) // 32 + 1):
        value += _mixed(data, 16 * pair, 32 * pair) + _mixed(data, length - 16 * (pair + 1), 32 * pair + 16)
    return _avalanche(value & _MASK)


def _long(data: bytes) -> int:
    length = len(data)
    value = length * _P64_1
    for index in range(8):
        value += _mixed(data, 16 * index, 16 * index)
    value = _avalanche(value & _MASK)
    for index in range(8, length // 16):
        value += _mixed(data, 16 * index, 16 * (index - 8) + 3)
    value += _mixed(data, length - 16, 136 - 17)
    return _avalanche(value & _MASK)


def _longest(data: bytes) -> int:
    lanes = [_P32_3, _P64_1, _P64_2, _P64_3, _P64_4, _P32_2, _P64_5, _P32_1]
    length = len(data)
    blocks = (length - 1) // _BLOCK
    for block in range(blocks):
        for index, secret in enumerate(_ROUND_SECRETS):
            _swallow(lanes, data, block * _BLOCK + index * _STRIPE, secret)
        for lane, secret_lane in enumerate(_SCRAMBLE_SECRET):
            value = lanes[lane]
            lanes[lane] = (value ^ value >> 47 ^ secret_lane) * _P32_1 & _MASK
    start = blocks * _BLOCK
    for index in range((length - 1 - start) // _STRIPE):
        _swallow(lanes, data, start + index * _STRIPE, _ROUND_SECRETS[index])
    _swallow(lanes, data, length - _STRIPE, _LAST_SECRET)
    value = length * _P64_1
    for pair in range(4):
        position = 11 + 16 * pair
        value += _folded(
            lanes[2 * pair] ^ _u64(_SECRET, position), lanes[2 * pair + 1] ^ _u64(_SECRET, position + 8)
        )
    return _avalanche(value & _MASK)


def _swallow(lanes: list[int], data: bytes, position: int, secret: tuple[int, ...]) -> None:
    """One round: 64 bytes into eight lanes; each lane also hears its neighbour's input."""
    for lane, word in enumerate(_LANES.unpack_from(data, position)):
        keyed = word ^ secret[lane]
        lanes[lane ^ 1] = lanes[lane ^ 1] + word & _MASK
        lanes[lane] = lanes[lane] + (keyed & 0xFFFFFFFF) * (keyed >> 32) & _MASK
