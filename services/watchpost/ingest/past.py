"""Publishes pictures that are gone already, from the ring of coded packets: an event asks how it came about."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import av.error
import structlog

from watchpost.ingest.decoders import another
from watchpost.ingest.packets import CodedPacket, DecodedPicture, decode, held_back

__all__ = ["Past", "PastPictures", "pictures_of"]

_LOG = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Past:
    """Packets from a keyframe on, and which of their pictures are wanted: those taken from `begin_us` to `end_us`."""

    packets: Sequence[CodedPacket]
    begin_us: int
    end_us: int


class PastPictures:
    """One past at a time in a process: where everything happens at once, there still are cameras to read."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "past")

    def publish(self, past: Past, take: Callable[[DecodedPicture], bool]) -> None:
        """Give each picture of `past` to `take`, on the thread of the past, until that returns False."""
        self._thread.submit(_published, past, take)

    def close(self) -> None:
        """Begin no other."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def pictures_of(past: Past) -> Iterator[DecodedPicture]:
    """The pictures, in the order of their time, from a decoder of their own: the camera's is busy with the present.

    Raises:
        av.error.FFmpegError: a packet is damaged.
    """
    if not past.packets:
        return
    decoder = another(past.packets[0].decoder)
    decoder.thread_count = 1
    for coded in past.packets:
        yield from _wanted(decode(coded, decoder), past)
    yield from _wanted(held_back(past.packets[-1], decoder), past)


def _wanted(pictures: Iterator[DecodedPicture], past: Past) -> Iterator[DecodedPicture]:
    for picture in pictures:
        stamp = picture.stamp
        if stamp is not None and past.begin_us <= stamp.captured_us <= past.end_us and not picture.image.is_corrupt:
            yield picture


def _published(past: Past, take: Callable[[DecodedPicture], bool]) -> None:
    try:
        for picture in pictures_of(past):
            if not take(picture):
                return
    except av.error.FFmpegError as error:
        _LOG.warning("past_not_decoded", packets=len(past.packets), error=str(error))
    except Exception:  # noqa: BLE001  a future's exception is seen by nobody, and the next past must come
        _LOG.exception("past_failed")
