"""Opens what callers of REST named: the address in the spec and no other, whatever the camera answers."""

from __future__ import annotations  # at run time PyAV's containers are no generic classes

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import quote

from av.container import InputContainer

from watchpost.contracts.recording_rules import may_hear
from watchpost.contracts.records import CameraSpec
from watchpost.errors import SourceError, SourceFailure
from watchpost.ingest.addresses import credentials_of, rtsp_address
from watchpost.ingest.containers import libav_opened
from watchpost.ingest.guarded_addresses import GuardedAddress, parse_guarded_address
from watchpost.ingest.http_file import HttpFile
from watchpost.ingest.packets import SourceLimits
from watchpost.ingest.rtsp_relay import RtspRelay

__all__ = ["opened_guarded"]

# neither playlists nor descriptions that name other addresses: hls, dash, concat, sdp, asf's references and the like
_FORMATS = "mpegts,mov,matroska,avi,flv,live_flv,mpeg,h264,hevc,vvc,obu,m4v,mpegvideo,mjpeg,mpjpeg,ivf,ogg,dhav"
_HTTP_OPTIONS = (("format_whitelist", _FORMATS), ("protocol_whitelist", "none"))
_RTSP_OPTIONS = (("protocol_whitelist", "tcp"),)


@contextmanager
def opened_guarded(spec: CameraSpec, limits: SourceLimits, stop: threading.Event) -> Iterator[InputContainer]:
    """The camera of a spec that REST wrote, open while the block runs.

    Raises:
        SourceError: it cannot be opened; from the block: its own, or why the guard ended the stream.
    """
    address = parse_guarded_address(spec.source)
    credentials = None if spec.secret_ref is None else credentials_of(spec.secret_ref)
    if address.is_rtsp:
        opening = _rtsp(address, credentials, limits, with_sound=may_hear(spec))
    else:
        opening = _http(address, credentials, limits, stop)
    with opening as container:
        yield container


@contextmanager
def _rtsp(
    address: GuardedAddress, credentials: tuple[str, str] | None, limits: SourceLimits, *, with_sound: bool
) -> Iterator[InputContainer]:
    userinfo = "" if credentials is None else ":".join(quote(part, safe="") for part in credentials) + "@"
    with RtspRelay(address, limits) as relay:
        url = f"rtsp://{userinfo}127.0.0.1:{relay.port}{address.rest}"
        through = rtsp_address(url, limits.open_timeout_s, with_sound=with_sound)
        try:
            with libav_opened(through.url, "rtsp", through.options + _RTSP_OPTIONS, limits) as container:
                yield container
        except SourceError as why:
            raise relay.failure or why from None


@contextmanager
def _http(
    address: GuardedAddress, credentials: tuple[str, str] | None, limits: SourceLimits, stop: threading.Event
) -> Iterator[InputContainer]:
    with closing(HttpFile(address, credentials, limits, stop)) as file:
        container_format = "mpjpeg" if file.is_multipart else None
        with libav_opened(file, container_format, _HTTP_OPTIONS, limits, io_open=_nothing_else) as container:
            file.opened()
            yield container


def _nothing_else(*_: object) -> None:
    raise SourceError(SourceFailure.REFUSED, "the stream names another address, which is not allowed")
