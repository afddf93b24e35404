"""One way to read every kind of camera: coded packets in, pictures out, failures as `SourceError`.

    with open_source(spec, SourceLimits(), stop) as source:
        for coded in source.packets:
            if policy(coded):
                for picture in decode(coded):
                    picture.stream_us, picture.image

What a caller of REST named is opened by `guarded.py`: that address and no other.

Who reads a recording (`file:`, or http with a known length) gets each packet when it is due, as if a camera sent it.
A recording has no hurry: where its reader is more than half a second late, the rest is due that much later.
"""

from __future__ import annotations  # at run time PyAV's Packet is no generic class

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext

from watchpost.contracts.camera_parts import NOT_RECORDED
from watchpost.contracts.recording_rules import may_hear, may_record
from watchpost.contracts.records import CameraSpec, SpecOrigin
from watchpost.errors import ConfigError, SourceError, SourceFailure
from watchpost.ingest.addresses import CodedAddress, SimAddress, parse_address
from watchpost.ingest.containers import (
    again_and_again,
    container_packets,
    opened,
    paced,
    sound_of,
    times_of,
    until_it_ends,
    video_of,
)
from watchpost.ingest.guarded import opened_guarded
from watchpost.ingest.packets import CodedPacket, Source, SourceLimits
from watchpost.simulation import EncodedScene, Scene, open_encoded

__all__ = ["analysed", "open_source", "recorded_apart"]


def analysed(spec: CameraSpec) -> CameraSpec:
    """The spec with what is read to be analysed: its substream where it has one, of which nothing is recorded."""
    return spec if spec.substream is None else replace(spec, source=spec.substream, recording=NOT_RECORDED)


def recorded_apart(spec: CameraSpec) -> CameraSpec | None:
    """The spec with what is read to be recorded, where that is not what is analysed: the main stream."""
    return replace(spec, substream=None) if spec.substream is not None and may_record(spec) else None


@contextmanager
def open_source(spec: CameraSpec, limits: SourceLimits, stop: threading.Event) -> Iterator[Source]:
    """The camera of `spec`, open while the block runs. Setting `stop` ends the waiting for a recording's next packet.

    Raises:
        SourceError: it cannot be opened; inside the block, from `packets`: it failed or ended.
    """
    if spec.origin is not SpecOrigin.CONFIG:
        with opened_guarded(spec, limits, stop) as container:
            sound = sound_of(container) if may_hear(spec) else None
            packets = until_it_ends(container_packets(container, video_of(container), limits, sound))
            is_live = not _is_recording(spec.source, container)
            yield Source(packets if is_live else paced(packets, stop), is_live)
        return
    address = parse_address(spec.source, spec.secret_ref, limits.open_timeout_s, with_sound=may_hear(spec))
    match address:
        case SimAddress():
            with _simulated(address) as source:
                yield source
        case CodedAddress():
            with opened(address, limits) as container:
                stream = video_of(container)
                is_live = not (address.is_file or _is_recording(address.url, container))
                sound = sound_of(container) if may_hear(spec) else None
                packets = container_packets(container, stream, limits, sound)
                if address.is_looped:
                    packets = again_and_again(packets, address, limits, with_sound=may_hear(spec))
                else:
                    packets = until_it_ends(packets)
                yield Source(packets if is_live else paced(packets, stop), is_live)


def _is_recording(url: str, container: InputContainer) -> bool:
    """An RTSP server that tells a length plays a recording as a camera would, and again when asked again."""
    return url.startswith("http") and container.duration is not None


@contextmanager
def _simulated(address: SimAddress) -> Iterator[Source]:
    try:
        scene = Scene.from_uri(address.uri)
    except ConfigError as error:
        raise SourceError(SourceFailure.UNSUPPORTED, str(error)) from error
    with open_encoded(scene, realtime=True) as encoded:
        yield Source(_simulated_packets(encoded, encoded.decoder()), is_live=False)


def _simulated_packets(encoded: EncodedScene, decoder: VideoCodecContext) -> Iterator[CodedPacket]:
    for packet in encoded:
        yield CodedPacket(packet, decoder, packet.size, packet.is_keyframe, times_of(packet)[0])
    raise SourceError(SourceFailure.ENDED, "the scene is over")
