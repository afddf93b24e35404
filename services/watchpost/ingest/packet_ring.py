"""Keeps the last seconds of a camera as they were coded: the past costs memory, and decoding where it is asked for.

ring = PacketRing(keep_us=10_000_000, max_bytes=16_000_000)
ring.add(coded, stamp)
ring.since(onset_us - 2_000_000, coded.decoder)     # begins with a keyframe
"""

from collections import deque
from dataclasses import dataclass, field

from av.video.codeccontext import VideoCodecContext

from watchpost.ingest.packets import CodedPacket, Stamp

__all__ = ["PacketRing"]


@dataclass(slots=True)
class _Group:
    """A group of pictures: a keyframe, and what refers to it."""

    captured_us: int
    packets: list[CodedPacket] = field(default_factory=list)
    size_bytes: int = 0


class PacketRing:
    """What lies before `keep_us` goes, a whole group of pictures at a time, and more where `max_bytes` asks for it.

    For the camera's thread. A group that is larger than `max_bytes` by itself is given up: the ring then begins with
    the next keyframe.
    """

    def __init__(self, keep_us: int, max_bytes: int) -> None:
        self._keep_us, self._max_bytes = keep_us, max_bytes
        self._groups: deque[_Group] = deque()
        self._size_bytes = 0

    @property
    def size_bytes(self) -> int:
        """Bytes of the packets kept now."""
        return self._size_bytes

    def clear(self) -> None:
        """Forget everything: what comes next has nothing to do with it."""
        self._groups.clear()
        self._size_bytes = 0

    def add(self, coded: CodedPacket, stamp: Stamp) -> None:
        """Keep a packet; those before the first keyframe are of no use to anybody."""
        if coded.is_keyframe:
            self._groups.append(_Group(stamp.captured_us))
        if not self._groups or not coded.size_bytes:
            return
        group = self._groups[-1]
        group.packets.append(coded)
        group.size_bytes += coded.size_bytes
        self._size_bytes += coded.size_bytes
        while len(self._groups) > 1 and self._groups[1].captured_us <= stamp.captured_us - self._keep_us:
            self._drop_oldest()
        while self._groups and self._size_bytes > self._max_bytes:
            self._drop_oldest()

    def since(self, captured_us: int, decoder: VideoCodecContext) -> list[CodedPacket]:
        """The packets from the last keyframe at or before `captured_us` on, or from the first that there is.

        Only what `decoder` decodes, without a break: a recording that begins anew has another one.
        """
        groups: list[_Group] = []
        for group in reversed(self._groups):
            if group.packets[0].decoder is not decoder:
                break
            groups.append(group)
            if group.captured_us <= captured_us:
                break
        return [coded for group in reversed(groups) for coded in group.packets]

    def _drop_oldest(self) -> None:
        self._size_bytes -= self._groups.popleft().size_bytes
