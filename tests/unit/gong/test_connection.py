"""Answers as a socket brings them."""

from __future__ import annotations

import http.client
import socket
import threading
from typing import TYPE_CHECKING

import pytest
from urllib3.connection import HTTPConnection, HTTPSConnection

from tap_gong.gong.connection import Answer, with_answers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REAL = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Name: real\r\n\r\nhello"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\nX-Name: hint\r\n\r\n"


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Where the tap reads, and where Gong writes."""
    ours, theirs = socket.socketpair()
    ours.settimeout(10)
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def read(
    ends: tuple[socket.socket, socket.socket],
) -> Callable[[bytes], Answer]:
    """Let something be received, and begin to read it."""

    def begin(received: bytes) -> Answer:
        ours, theirs = ends
        theirs.sendall(received)
        answer = Answer(ours, method="GET")
        answer.begin()
        return answer

    return begin


def is_shut_down(ends: tuple[socket.socket, socket.socket]) -> bool:
    """Whether the other side sees that nothing more is sent."""
    theirs = ends[1]
    theirs.settimeout(0)
    try:
        return theirs.recv(1) == b""
    except BlockingIOError:
        return False


@pytest.mark.parametrize(
    "before",
    [
        b"",
        HINTS,
        HINTS * 20,
        b"HTTP/1.1 102 Processing\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + HINTS,
        HINTS + b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 199 Whatever\r\nContent-Length: 9\r\nConnection: close\r\n\r\n",
    ],
)
def test_the_real_answer_is_read(
    read: Callable[[bytes], Answer],
    ends: tuple[socket.socket, socket.socket],
    before: bytes,
) -> None:
    answer = read(before + REAL)
    assert answer.status == 200
    assert answer.headers["X-Name"] == "real"
    assert answer.headers["Link"] is None
    assert answer.read() == b"hello"
    assert answer.isclosed()
    assert not answer.will_close
    assert not is_shut_down(ends)


@pytest.mark.parametrize("status", [101, 204, 304])
def test_nothing_is_read_after_an_answer_without_a_body(
    read: Callable[[bytes], Answer], status: int
) -> None:
    answer = read(b"HTTP/1.1 %d X\r\nContent-Length: 5\r\n\r\nhello" % status)
    assert answer.status == status
    assert answer.will_close


def test_hints_and_then_nothing(ends: tuple[socket.socket, socket.socket]) -> None:
    ends[1].sendall(HINTS)
    ends[1].shutdown(socket.SHUT_WR)
    answer = Answer(ends[0], method="GET")
    with pytest.raises(http.client.RemoteDisconnected):
        answer.begin()


@pytest.mark.parametrize("rest", [b"x", REAL, HINTS, b"x" * 100_000])
def test_an_answer_that_goes_on_is_the_last_of_its_socket(
    read: Callable[[bytes], Answer],
    ends: tuple[socket.socket, socket.socket],
    rest: bytes,
) -> None:
    answer = read(REAL + rest)
    assert answer.read() == b"hello"
    assert is_shut_down(ends)


def test_an_answer_given_up_is_the_last_of_its_socket(
    read: Callable[[bytes], Answer], ends: tuple[socket.socket, socket.socket]
) -> None:
    answer = read(REAL)
    assert answer.read(2) == b"he"
    answer.close()
    assert is_shut_down(ends)


def test_chunks_end_the_answer(
    read: Callable[[bytes], Answer], ends: tuple[socket.socket, socket.socket]
) -> None:
    chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    answer = read(chunks + b"0\r\n\r\n")
    assert answer.read() == b"hello"
    assert answer.isclosed()
    assert not is_shut_down(ends)


@pytest.mark.parametrize("part", ["status", "headers", "hints", "body"])
def test_an_answer_that_takes_too_long(
    ends: tuple[socket.socket, socket.socket], part: str
) -> None:
    """Each piece of it comes in time, and yet it never ends."""
    ours, theirs = ends
    over = threading.Event()
    begins, piece = {
        "status": (b"HTTP/1.1 200 ", b"x"),
        "headers": (b"HTTP/1.1 200 OK\r\nX-Name: ", b"x"),
        "hints": (b"", HINTS),
        "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b"x"),
    }[part]
    theirs.sendall(begins)

    def drip() -> None:
        while not over.wait(0.01):
            theirs.sendall(piece)

    dripping = threading.Thread(target=drip)
    dripping.start()
    ours.settimeout(0.1)
    answer = Answer(ours, method="GET")
    try:
        with pytest.raises(TimeoutError):  # noqa: PT012 - wherever it is
            answer.begin()
            answer.read()
    finally:
        over.set()
        dripping.join()


def test_each_piece_has_the_rest_of_the_time(
    read: Callable[[bytes], Answer], ends: tuple[socket.socket, socket.socket]
) -> None:
    answer = read(REAL)
    rest = ends[0].gettimeout()
    assert rest is not None
    assert rest < 10
    answer.close()


@pytest.mark.parametrize("kind", [HTTPConnection, HTTPSConnection])
def test_connections_with_answers(kind: type[HTTPConnection]) -> None:
    made = with_answers(kind)
    assert issubclass(made, kind)
    assert made.response_class is Answer
    assert with_answers(made) is made
    assert kind.response_class is http.client.HTTPResponse
