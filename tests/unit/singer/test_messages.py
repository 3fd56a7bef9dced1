"""Messages: whole lines of JSON, flushed when a target needs them."""

from __future__ import annotations

import errno
import io
import json
import os
import socket
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from singer_sdk.singerlib import RecordMessage, SchemaMessage, StateMessage
from typing_extensions import override

from tap_gong.errors import OutputError
from tap_gong.singer.messages import MessageWriter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WHEN = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


class Pipe(io.RawIOBase):
    """What arrives at the reader of stdout, write by write."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []

    @override
    def writable(self) -> bool:
        return True

    @override
    def write(self, data: object, /) -> int:
        self.chunks.append(bytes(data))  # type: ignore[call-overload]
        return len(self.chunks[-1])


def catch_stdout(monkeypatch: pytest.MonkeyPatch) -> Pipe:
    # No fixture: pytest sets stdout anew between a test's set-up and its call.
    pipe = Pipe()
    buffered = io.BufferedWriter(pipe, buffer_size=1_000_000)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(buffered, encoding="ascii"))
    return pipe


def write_record(writer: MessageWriter, **fields: object) -> None:
    writer.write_record("calls", fields, WHEN)


def test_records_wait_for_the_next_state(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = catch_stdout(monkeypatch)
    writer = MessageWriter()
    for number in range(100):
        write_record(writer, id=str(number))
    assert pipe.chunks == []
    writer.write_message(StateMessage(value={"bookmarks": {}}))
    assert len(pipe.chunks) == 1
    lines = pipe.chunks[0].decode().splitlines()
    assert [json.loads(line)["type"] for line in lines] == ["RECORD"] * 100 + ["STATE"]


def test_many_records_go_out_in_whole_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = catch_stdout(monkeypatch)
    writer = MessageWriter()
    for number in range(2_000):
        write_record(writer, id=str(number), title="x" * 100)
    assert 1 < len(pipe.chunks) < 10
    assert all(chunk.endswith(b"\n") for chunk in pipe.chunks)
    writer.write_message(StateMessage(value={}))
    lines = b"".join(pipe.chunks).splitlines()
    ids = [json.loads(line)["record"]["id"] for line in lines[:-1]]
    assert ids == [str(number) for number in range(2_000)]


def test_what_is_left_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = catch_stdout(monkeypatch)
    writer = MessageWriter()
    writer.flush()
    assert pipe.chunks == []
    write_record(writer, id="1")
    writer.flush()
    writer.flush()
    assert len(pipe.chunks) == 1
    assert json.loads(pipe.chunks[0])["record"] == {"id": "1"}


def test_a_schema_goes_out_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = catch_stdout(monkeypatch)
    schema = {"type": "object", "properties": {"id": {"type": "string"}}}
    MessageWriter().write_message(
        SchemaMessage(stream="calls", schema=schema, key_properties=["id"])
    )
    (chunk,) = pipe.chunks
    assert chunk.endswith(b"\n")
    message = json.loads(chunk)
    assert message["type"] == "SCHEMA"
    assert message["schema"] == schema


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "1", "title": "two\nlines\r\n\u2028\x00"},
        {"id": "1", "title": "\u4f1a\u8b70 \U0001f600 \ufffd"},
        {"id": "1", "duration": 2**63 - 1},
        {"id": "1", "duration": -(2**63), "title": None, "isPrivate": False},
    ],
)
def test_a_record_is_one_line_and_exact(
    monkeypatch: pytest.MonkeyPatch, fields: dict[str, object]
) -> None:
    pipe = catch_stdout(monkeypatch)
    writer = MessageWriter()
    write_record(writer, **fields)
    writer.write_message(StateMessage(value={}))
    lines = b"".join(pipe.chunks).split(b"\n")
    assert len(lines) == 3
    assert lines[-1] == b""
    message = json.loads(lines[0].decode("utf-8"))
    assert message["record"] == fields
    assert message["stream"] == "calls"
    assert datetime.fromisoformat(message["time_extracted"]) == WHEN


def test_a_record_message_is_that_of_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = catch_stdout(monkeypatch)
    writer = MessageWriter()
    fields = {"id": "1", "title": "\u00e9", "duration": 5, "isPrivate": None}
    write_record(writer, **fields)
    writer.write_message(
        RecordMessage(stream="calls", record=fields, time_extracted=WHEN)
    )
    ours, theirs = b"".join(pipe.chunks).splitlines()
    assert ours == theirs


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.EPIPE, "The reader of stdout has gone"),
        (errno.ECONNRESET, "The reader of stdout has gone"),
        (errno.ENOSPC, "stdout cannot be written to: No space left on device."),
    ],
)
def test_what_cannot_be_written_is_told_and_not_tried_again(
    monkeypatch: pytest.MonkeyPatch, number: int, sentence: str
) -> None:
    pipe = catch_stdout(monkeypatch)

    def write(_: object) -> int:
        raise OSError(number, os.strerror(number))

    writer = MessageWriter()
    with monkeypatch.context() as patch:
        patch.setattr(pipe, "write", write)
        with pytest.raises(OutputError, match=sentence):
            writer.write_message(StateMessage(value={}))
        write_record(writer, id="1")
        writer._write_the_rest()
    writer.flush()
    sys.stdout.flush()
    assert pipe.chunks == []


@pytest.fixture
def ends() -> Iterator[tuple[int, int]]:
    """Both ends of a pipe that the system makes."""
    reader, writer = os.pipe()
    yield reader, writer
    for end in (reader, writer):
        with suppress(OSError):
            os.close(end)


def test_a_reader_that_has_gone_is_noticed_without_a_write(
    monkeypatch: pytest.MonkeyPatch, ends: tuple[int, int]
) -> None:
    reader, writer = ends
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(fileno=lambda: writer))
    MessageWriter().raise_if_reader_gone()
    os.close(reader)
    with pytest.raises(OutputError, match="The reader of stdout has gone"):
        MessageWriter().raise_if_reader_gone()


def test_what_is_no_pipe_has_a_reader(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    terminal = os.openpty()
    sockets = socket.socketpair()
    with (tmp_path / "file").open("w") as file, open(os.devnull, "w") as null:  # noqa: PTH123
        for fd in (file.fileno(), null.fileno(), terminal[1], sockets[0].fileno()):
            monkeypatch.setattr(sys, "stdout", SimpleNamespace(fileno=lambda fd=fd: fd))
            MessageWriter().raise_if_reader_gone()
    for end in sockets:
        end.close()
    for fd in terminal:
        os.close(fd)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    MessageWriter().raise_if_reader_gone()


def test_a_pipe_that_does_not_block_gets_everything(
    monkeypatch: pytest.MonkeyPatch, ends: tuple[int, int]
) -> None:
    reader, writer = ends
    os.set_blocking(writer, False)
    text = "x" * 1_000_000
    with open(writer, "wb", buffering=0, closefd=False) as out:
        monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=out))
        chunks: list[bytes] = []

        def read() -> None:
            while chunk := os.read(reader, 65_536):
                chunks.append(chunk)

        thread = threading.Thread(target=read)
        thread.start()
        messages = MessageWriter()
        write_record(messages, title=text)
        messages.flush()
        os.close(writer)
        thread.join()
    assert json.loads(b"".join(chunks))["record"] == {"title": text}


class NarrowPipe(Pipe):
    """Takes ten bytes at a time, as a full pipe may when a signal comes."""

    @override
    def write(self, data: object, /) -> int:
        return super().write(bytes(data)[:10])  # type: ignore[call-overload]


def test_a_write_that_is_cut_short_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = NarrowPipe()
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=pipe))
    writer = MessageWriter()
    for number in range(3):
        write_record(writer, id=number)
    writer.flush()
    lines = b"".join(pipe.chunks).splitlines()
    assert [json.loads(line)["record"]["id"] for line in lines] == [0, 1, 2]


def test_a_heavy_state_is_not_repeated_at_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pipe = catch_stdout(monkeypatch)
    heavy = StateMessage(value={"bookmarks": {"calls": {"call_ids": ["1"] * 5_000}}})
    writer = MessageWriter()
    writer.write_message(heavy)
    assert pipe.chunks == []
    write_record(writer, id="1")
    writer.write_message(heavy)
    lines = b"".join(pipe.chunks).splitlines()
    assert [json.loads(line)["type"] for line in lines] == ["RECORD", "STATE"]


def test_records_and_their_bytes_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = catch_stdout(monkeypatch)
    writer = MessageWriter()
    for number in range(5):
        write_record(writer, id=str(number))
        assert writer.records == number + 1
    writer.flush()
    assert writer.record_bytes == len(b"".join(pipe.chunks).replace(b"\n", b""))
    writer.write_message(StateMessage(value={}))
    assert writer.records == 5
