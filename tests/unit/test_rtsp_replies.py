"""What an RTSP camera's bytes become before libav sees them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchpost.errors import SourceError, SourceFailure
from watchpost.ingest.rtsp_replies import ReplyFilter

FRAME = b"$\x00\x00\x05hello"
PLAIN = b"RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Length: 3\r\n\r\nv=0"
LOUD = (
    b"\r\nRTSP/1.0 200 OK\r\ncseq:2\r\nX-Unknown: 1\r\nLocation: rtsp://10.0.0.1/\r\n folded\r\n"
    b"Content-length : 3\r\n\r\nv=0"
)


def passed(*pieces: bytes) -> bytes:
    replies = ReplyFilter()
    return b"".join(replies.feed(piece) for piece in pieces)


def failure_of(*pieces: bytes) -> SourceError:
    with pytest.raises(SourceError) as caught:
        passed(*pieces)
    return caught.value


def test_reply_is_written_anew_with_what_a_player_needs() -> None:
    assert passed(LOUD) == PLAIN


def test_challenges_keep_their_order() -> None:
    reply = b'RTSP/1.0 401 No\r\nCSeq: 1\r\nWWW-Authenticate: Digest realm="a"\r\nWWW-Authenticate: Basic realm="a"\r\n'

    assert passed(reply + b"\r\n") == reply + b"Content-Length: 0\r\n\r\n"


def test_frames_pass_as_they_are() -> None:
    looks_like_a_reply = b"RTSP/1.0 302 x\r\n\r\n"
    frame = b"$\x01" + len(looks_like_a_reply).to_bytes(2) + looks_like_a_reply

    assert passed(FRAME + frame + PLAIN + FRAME) == FRAME + frame + PLAIN + FRAME


@pytest.mark.parametrize(
    "noise", [b"x", b"lost half of a frame", b"\x00\xff" * 300, b"RTSX/1.0 200 OK\r\n", b"RTSP/1.0 OK\r\n\r\n"]
)
def test_noise_between_messages_is_passed_over(noise: bytes) -> None:
    assert passed(FRAME + noise + FRAME + PLAIN) == FRAME + FRAME + PLAIN


def test_camera_s_own_requests_pass_without_an_address() -> None:
    assert passed(b"OPTIONS rtsp://10.0.0.1/ RTSP/1.0\r\nCSeq: 7\r\nLocation: rtsp://10.0.0.1/\r\n\r\n") == (
        b"OPTIONS * RTSP/1.0\r\nCSeq: 7\r\nContent-Length: 0\r\n\r\n"
    )


@pytest.mark.parametrize(
    "message",
    [
        b"RTSP/1.0 302 Moved\r\nLocation: rtsp://10.0.0.1/\r\n\r\n",
        b"RTSP/1.0 302\r\n\r\n",
        b"RTSP/2.0   305   Use Proxy\n\n",
        b"RTSP/1.0 3021 x\r\n\r\n",
        b"REDIRECT rtsp://10.0.0.1/ RTSP/1.0\r\n\r\n",
    ],
)
def test_redirect_is_refused_wherever_it_stands(message: bytes) -> None:
    failed = failure_of(PLAIN + FRAME + message)

    assert failed.reason is SourceFailure.REFUSED
    assert "10.0.0.1" not in str(failed)


@pytest.mark.parametrize(
    "message",
    [
        b"RTSP/1.0 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: 0x10\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n",
        b"RTSP/1.0 200 OK\r\n" + b"X: y\r\n" * 20_000,
        b"\xff" * 2_000_000,
    ],
)
def test_what_is_no_rtsp_is_unsupported(message: bytes) -> None:
    assert failure_of(message).reason is SourceFailure.UNSUPPORTED


PARTS = st.sampled_from(
    [FRAME, PLAIN, LOUD, b"$\x01\x00\x00", b"\r\n", b"noise", b"OPTIONS * RTSP/1.0\r\nCSeq: 7\r\n\r\n"]
)


@given(st.lists(PARTS, max_size=6).map(b"".join), st.data())
def test_pieces_make_no_difference(sent: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=5)))
    pieces = [sent[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(sent)], strict=True)]

    assert passed(*pieces) == passed(sent)


@given(st.lists(st.one_of(PARTS, st.binary(max_size=40)), max_size=6).map(b"".join))
def test_what_passed_passes_again_unchanged(sent: bytes) -> None:
    try:
        once = passed(sent)
    except SourceError:
        return
    assert passed(once) == once
    assert b"Location" not in once
