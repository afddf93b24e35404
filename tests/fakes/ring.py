"""A ring of recordings on a disk, written as ingest writes it."""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from tests.fakes.clock import SetClock
from watchpost.contracts.records import CameraId
from watchpost.ingest.packets import CodedPacket
from watchpost.recordings.bounds import RingBounds
from watchpost.recordings.camera_writer import CameraWriter
from watchpost.recordings.folder_disk import FolderDisk
from watchpost.recordings.ring import Ring
from watchpost.recordings.samples import codec_of, sample_of
from watchpost.recordings.sound import SoundReader

__all__ = ["record", "writer_in"]

_LARGE = 10**9


def writer_in(root: Path, camera: str = "door") -> CameraWriter:
    """A camera's writer into a large ring."""
    ring = Ring(RingBounds(timedelta(hours=24), _LARGE, 0), FolderDisk(root), SetClock())
    return CameraWriter(root, CameraId(camera), ring)


def record(writer: CameraWriter, packets: Iterable[tuple[CodedPacket, int]], segment_bytes: int = _LARGE) -> None:
    """Write packets, each with when it was captured."""
    reader = SoundReader(CameraId("door"))
    for coded, captured_us in packets:
        codec = codec_of(coded)
        assert codec is not None
        writer.write(sample_of(coded, codec, captured_us, reader), segment_bytes)
