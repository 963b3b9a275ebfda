"""Whoever watches is never held up by whoever reads what it says."""

import os

import pytest

from tidegate.service.speaking import Speaker

pytestmark = pytest.mark.req("F1")


def test_lines_come_out_in_order() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as stream, os.fdopen(reading, "rb") as reader:
        speaker = Speaker(stream)
        for number in range(200):
            speaker.say(b"line %d\n" % number)
        speaker.close()
        stream.close()
        assert reader.read() == b"".join(b"line %d\n" % number for number in range(200))


def test_a_reader_who_does_not_read_holds_nobody_up_and_learns_what_was_left_out() -> None:
    reading, writing = os.pipe()
    line = b"x" * 9_999 + b"\n"
    with os.fdopen(writing, "wb") as stream, os.fdopen(reading, "rb") as reader:
        speaker = Speaker(stream, kept_bytes_max=10 * len(line))
        for _ in range(500):  # far more than pipe and queue hold together; returns all the same
            speaker.say(line)
        taken = 0
        while taken < 5 * len(line):
            taken += len(os.read(reading, 65_536))
        while speaker._bytes > 5 * len(line):
            os.read(reading, 65_536)
        speaker.say(b"again\n")
        os.set_blocking(reading, False)
        said = b""
        while b"again\n" not in said:
            said += reader.read() or b""
        assert b" lines were left out here: nobody took them.\nagain\n" in said
        speaker.close()


def test_a_reader_who_went_away_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb", buffering=0) as stream:
        speaker = Speaker(stream)
        speaker.say(b"to nobody\n")
        speaker._thread.join()
        speaker.say(b"still nobody\n")
        speaker.close()
