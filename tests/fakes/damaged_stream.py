"""A camera's packets with damage on their way: bits flipped, packets lost, repeated, out of order, times that jump.

packets = list(coded_packets(clip))
seen = seen_of(damaged(packets, range(75, 125), DAMAGES["noise"], seed=1))
seen.whole                  # what passed as live and whole, by the packet's number in the stream as it was sent
"""

from __future__ import annotations  # at run time PyAV's Packet is no generic class

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import cast

from av import Packet, VideoStream

from tests.fakes.clock import SetClock
from tests.fakes.specs import camera_spec
from watchpost.errors import SourceError
from watchpost.ingest.arrivals import Arrivals
from watchpost.ingest.decode_choice import Choice
from watchpost.ingest.decode_path import DecodePath
from watchpost.ingest.learning_places import LearningPlaces
from watchpost.ingest.packets import CodedPacket, DecodedPicture
from watchpost.ingest.pictures import luma_of
from watchpost.ingest.watching import PictureWatch
from watchpost.ingest.wishes import Wishes
from watchpost.settings import IngestSettings

__all__ = ["DAMAGES", "Damage", "SeenStream", "Sent", "damaged", "jumped", "seen_of", "truncated"]

Sent = tuple[int | None, CodedPacket]
"""A packet, and its number in the stream that the camera sent; None where nothing of that is left in it."""
Damage = Callable[[Sequence[Sent], Random], Iterable[Sent]]

_PICTURE_S = 0.04
_HOURS_5_US = 18_000_000_000


@dataclass(slots=True)
class SeenStream:
    """What came of a stream.

    `whole`: the luma of pictures that passed as live, by their packet's number, with how many packets had come by then.
    """

    whole: dict[int, tuple[int, bytes]] = field(default_factory=dict)
    captured_after: list[int] = field(default_factory=list)
    failures: list[SourceError] = field(default_factory=list)
    most_ring_bytes: int = 0
    choices: list[Choice] = field(default_factory=list)


def damaged(packets: Sequence[CodedPacket], stretch: range, damage: Damage, seed: int) -> list[Sent]:
    """The stream, with damage to the packets of `stretch` alone."""
    random = Random(seed)  # noqa: S311  (the same each time)
    sent = list(enumerate(_renewed(coded) for coded in packets))
    return [*sent[: stretch.start], *damage(sent[stretch.start : stretch.stop], random), *sent[stretch.stop :]]


def seen_of(sent: Iterable[Sent], ingest: IngestSettings | None = None) -> SeenStream:
    """What ingest makes of the packets, of which one arrives every 40 ms.

    Raises:
        SourceError: the camera is to be connected anew.
    """
    spec, clock, ingest, wishes = camera_spec(), SetClock(), ingest or IngestSettings(), Wishes()
    arrivals, watch = Arrivals(clock), PictureWatch(ingest, wishes)
    path = DecodePath(spec.camera, ingest, wishes, LearningPlaces())
    seen, numbers = SeenStream(), dict[int, int]()
    for arrived, (number, coded) in enumerate(sent):
        clock.pass_s(_PICTURE_S)
        stamp = arrivals.stamp(coded)
        if number is not None:
            numbers[stamp.number] = number
        for outcome in path.outcomes(coded, stamp):
            if isinstance(outcome, SourceError):
                seen.failures.append(outcome)
                continue
            its = outcome.stamp or stamp
            if watch.why_not_live(spec, outcome, its) is None:
                _take(seen, numbers.get(its.number), arrived, outcome)
                if watch.capture(spec, outcome, its.captured_us) is not None:
                    watch.published()
                    seen.captured_after.append(arrived)
                path.looked(watch.looked_us, moving=watch.moving)
        seen.most_ring_bytes = max(seen.most_ring_bytes, path.ring_bytes)
        if not seen.choices or seen.choices[-1] != path.choice:
            seen.choices.append(path.choice)
    return seen


def _take(seen: SeenStream, number: int | None, arrived: int, picture: DecodedPicture) -> None:
    if number is not None:
        seen.whole[number] = arrived, luma_of(picture.image).tobytes()


def _renewed(coded: CodedPacket, payload: bytes | None = None, *, shift_us: int = 0) -> CodedPacket:
    """The same packet with other bytes or other times."""
    packet = cast("Packet[VideoStream]", Packet(bytes(coded.packet) if payload is None else payload))
    packet.time_base = coded.packet.time_base
    shift = round(shift_us / 1_000_000 / packet.time_base)
    packet.pts = None if coded.packet.pts is None else coded.packet.pts + shift
    packet.dts = None if coded.packet.dts is None else coded.packet.dts + shift
    packet.is_keyframe = coded.packet.is_keyframe
    return replace(coded, packet=packet, size_bytes=packet.size)


def jumped(sent: Sequence[Sent], _: Random, by_us: int = _HOURS_5_US) -> Iterator[Sent]:
    """The camera's clock is elsewhere for a while."""
    for number, coded in sent:
        yield number, _renewed(coded, shift_us=by_us)


def truncated(coded: CodedPacket, random: Random) -> CodedPacket:
    """The beginning of the packet."""
    return _renewed(coded, bytes(coded.packet)[: random.randrange(1, coded.size_bytes)])


def _jumped_back(sent: Sequence[Sent], random: Random) -> Iterator[Sent]:
    return jumped(sent, random, -_HOURS_5_US)


def _looped(sent: Sequence[Sent], random: Random) -> Iterator[Sent]:
    """Times that begin again every few pictures."""
    shift_us = 0
    for number, coded in sent:
        shift_us -= 1_000_000 if random.random() < 0.2 else 0
        yield number, _renewed(coded, shift_us=shift_us)


def _without_times(sent: Sequence[Sent], _: Random) -> Iterator[Sent]:
    for number, coded in sent:
        renewed = _renewed(coded)
        renewed.packet.pts = renewed.packet.dts = None
        yield number, renewed


def _with_flipped_bits(sent: Sequence[Sent], random: Random) -> Iterator[Sent]:
    for number, coded in sent:
        payload = bytearray(bytes(coded.packet))
        flips = random.choice((0, 1, 3, 20))
        for _ in range(flips):
            payload[random.randrange(len(payload))] ^= 1 << random.randrange(8)
        yield number, _renewed(coded, bytes(payload))


def _truncated(sent: Sequence[Sent], random: Random) -> Iterator[Sent]:
    for number, coded in sent:
        yield number, truncated(coded, random) if random.random() < 0.5 else coded


def _noise(sent: Sequence[Sent], random: Random) -> Iterator[Sent]:
    for _, coded in sent:
        yield None, _renewed(coded, random.randbytes(random.randrange(1, 2000)))


def _lost(sent: Sequence[Sent], random: Random) -> Iterator[Sent]:
    return (one for one in sent if random.random() < 0.7)


def _without_keyframes(sent: Sequence[Sent], _: Random) -> Iterator[Sent]:
    return (one for one in sent if not one[1].is_keyframe)


def _repeated(sent: Sequence[Sent], random: Random) -> Iterator[Sent]:
    for number, coded in sent:
        yield number, coded
        if random.random() < 0.3:
            yield None, _renewed(coded)


def _out_of_order(sent: Sequence[Sent], random: Random) -> Iterator[Sent]:
    for begin in range(0, len(sent), 3):
        yield from random.sample(sent[begin : begin + 3], len(sent[begin : begin + 3]))


DAMAGES: dict[str, Damage] = {
    "flipped bits": _with_flipped_bits,
    "truncated packets": _truncated,
    "noise": _noise,
    "lost packets": _lost,
    "no keyframes": _without_keyframes,
    "repeated packets": _repeated,
    "packets out of order": _out_of_order,
    "times that loop": _looped,
    "times hours ahead": jumped,
    "times hours back": _jumped_back,
    "no times": _without_times,
}
