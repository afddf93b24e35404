"""Ranges are read as players send them, and a disk that hangs is told to callers and holds up nobody else."""

import asyncio
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchpost.api.patient import PatientDisk
from watchpost.api.ranges import Span, span_of
from watchpost.errors import CallError


@pytest.mark.parametrize(
    ("header", "span"),
    [
        (None, Span(0, 100, False)),
        ("bytes=0-", Span(0, 100, True)),
        ("bytes=10-19", Span(10, 20, True)),
        ("bytes=90-200", Span(90, 100, True)),
        ("bytes=-10", Span(90, 100, True)),
        ("bytes=-200", Span(0, 100, True)),
        ("bytes=100-", Span(0, 100, False)),
        ("bytes=20-10", Span(0, 100, False)),
        ("bytes=-", Span(0, 100, False)),
        ("bytes=-0", Span(0, 100, False)),
        ("bytes=0-1,5-6", Span(0, 100, False)),
        ("chapters=1-2", Span(0, 100, False)),
    ],
)
def test_range_is_read_as_players_send_it(header: str | None, span: Span) -> None:
    assert span_of(header, 100) == span


@given(header=st.text() | st.from_regex(r"bytes=[0-9]*-[0-9]*", fullmatch=True), size_bytes=st.integers(0, 10**6))
def test_no_range_leaves_the_file(header: str, size_bytes: int) -> None:
    span = span_of(header, size_bytes)

    assert 0 <= span.begin <= span.end <= size_bytes
    assert span.is_part or span == Span(0, size_bytes, False)


def test_disk_that_hangs_is_told_and_holds_few_threads() -> None:
    hangs = threading.Event()

    async def asked() -> list[CallError]:
        disk = PatientDisk("the disk", within_s=0.2)
        told = await asyncio.gather(*(disk.ask(hangs.wait) for _ in range(20)), return_exceptions=True)
        assert sum(thread.name == "disk" for thread in threading.enumerate()) == 8
        hangs.set()
        deadline_s = time.monotonic() + 20
        while time.monotonic() < deadline_s:
            try:
                assert await disk.ask(lambda: 7) == 7
                break
            except CallError:
                await asyncio.sleep(0.01)
        return [error for error in told if isinstance(error, CallError)]

    told = asyncio.run(asked())

    assert len(told) == 20
    assert {error.detail for error in told} == {"the disk does not answer"}


def test_what_the_work_raises_is_raised_where_it_was_asked_for() -> None:
    def fail() -> None:
        raise OSError("broken")

    with pytest.raises(OSError, match="broken"):
        asyncio.run(PatientDisk("the disk").ask(fail))
