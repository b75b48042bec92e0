from __future__ import annotations

import struct

from ottla.core.model.errors import ErrorCode, KafkaError, error_of


def test_the_numbers_run_without_a_gap() -> None:
    assert [code.value for code in ErrorCode] == list(range(-1, 134))


def test_a_code_is_its_number_on_the_wire() -> None:
    assert ErrorCode.UNSUPPORTED_VERSION == 35
    assert struct.pack(">h", ErrorCode.UNKNOWN_SERVER_ERROR) == b"\xff\xff"


def test_every_code_has_a_sentence() -> None:
    assert all(code.sentence.endswith(".") for code in ErrorCode)
    assert len({code.sentence for code in ErrorCode}) == len(ErrorCode)


def test_some_errors_are_worth_another_try() -> None:
    assert ErrorCode.NOT_LEADER_OR_FOLLOWER.retriable
    assert not ErrorCode.MESSAGE_TOO_LARGE.retriable


def test_an_error_reads_its_sentence_unless_it_has_a_message() -> None:
    assert KafkaError(ErrorCode.INVALID_CONFIG).text == ErrorCode.INVALID_CONFIG.sentence
    assert str(KafkaError(ErrorCode.INVALID_CONFIG, "retention.ms: -5")) == "INVALID_CONFIG: retention.ms: -5"
    assert KafkaError(ErrorCode.INVALID_CONFIG, "").text == ""


def test_a_code_from_the_future_is_an_unknown_server_error() -> None:
    assert error_of(3) is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert error_of(999) is ErrorCode.UNKNOWN_SERVER_ERROR
