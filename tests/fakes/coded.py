"""Cameras' packets for recordings, made by ffmpeg when they are needed and read as ingest reads them.

packets = coded_packets(coded_clip(tmp_path, "h264", seconds=4))
"""

import subprocess
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av

from tests.fakes.specs import camera_spec
from tests.requirements import require
from watchpost.contracts.camera_parts import Recording
from watchpost.contracts.records import CameraSpec
from watchpost.ingest.containers import container_packets, sound_of, video_of
from watchpost.ingest.packets import CodedPacket, SourceLimits

__all__ = ["BEGINS_US", "at_their_time", "coded_clip", "coded_packets", "pictures_of", "probed", "recorded_spec"]

BEGINS_US = 1_767_614_400_000_000
"""When the first picture of tests is captured: 2026-01-05 12:00 UTC."""
_ENCODERS = {
    "h264": ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"),
    "hevc": ("-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-x265-params", "log-level=error"),
    "mjpeg": ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p"),
    "vp8": ("-c:v", "libvpx", "-deadline", "realtime", "-pix_fmt", "yuv420p"),
}
_SUFFIXES = {"h264": "ts", "hevc": "ts", "mjpeg": "avi", "vp8": "mkv"}


def coded_clip(  # noqa: PLR0913  (each test varies another of these)
    folder: Path,
    codec: str = "h264",
    *,
    seconds: float = 4,
    fps: int = 25,
    size: str = "320x180",
    keyframe_every: int = 25,
    b_frames: int = 0,
    suffix: str | None = None,
    kbps: int | None = None,
    sound: str | None = None,
) -> Path:
    """A clip of a moving test picture, noisy where `kbps` is given; its container holds a byte stream as cameras do.

    `sound` names the encoder of a tone that it has too.
    """
    require("ffmpeg", "apt-get install -y ffmpeg")
    name = f"{codec}-{size}-{seconds:g}-{keyframe_every}-{b_frames}{'' if sound is None else '-' + sound}"
    path = folder / f"{name}.{suffix or _SUFFIXES[codec]}"
    noise = "" if kbps is None else ",noise=alls=80:allf=t"
    picture = f"testsrc2=size={size}:rate={fps}:duration={seconds}{noise}"
    command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", picture]
    command += [] if sound is None else ["-f", "lavfi", "-i", f"sine=duration={seconds}", "-c:a", sound]
    command += [*_ENCODERS[codec], "-g", str(keyframe_every), "-bf", str(b_frames)]
    command += [] if kbps is None else ["-b:v", f"{kbps}k"]
    subprocess.run([*command, str(path)], check=True)
    return path


def coded_packets(path: Path) -> Iterator[CodedPacket]:
    """The packets as ingest reads them with their sound, the one that ends the clip left out."""
    with av.open(str(path)) as container:
        for coded in container_packets(container, video_of(container), SourceLimits(), sound_of(container)):
            if coded.size_bytes:
                yield coded


def at_their_time(packets: Iterable[CodedPacket], begins_us: int = BEGINS_US) -> Iterator[tuple[CodedPacket, int]]:
    """Each packet with when its picture was captured, the first at `begins_us`."""
    first: Fraction | None = None
    for coded in packets:
        assert coded.packet.pts is not None
        at = coded.packet.pts * coded.packet.time_base
        first = at if first is None else first
        yield coded, begins_us + round((at - first) * 1_000_000)


def probed(path: Path, *fields: str, stream: str = "v") -> Sequence[str]:
    """What ffprobe says of a recording's packets, `fields` of each, or of its stream where they begin with `stream`."""
    require("ffprobe", "apt-get install -y ffmpeg")
    section = "stream" if fields[0] == "stream" else "packet"
    entries = f"{section}={','.join(field for field in fields if field != 'stream')}"
    command = [
        "ffprobe",
        "-v",
        "error",
        "-select_streams",
        stream,
        "-show_entries",
        entries,
        "-of",
        "csv=p=0",
        str(path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


def pictures_of(path: Path) -> list[str]:
    """A digest of each picture, decoded by ffmpeg."""
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-i",
        str(path),
        "-map",
        "0:v",
        "-fps_mode",
        "passthrough",
        "-f",
        "framemd5",
        "-",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return [line.rsplit(",", 1)[1] for line in done.stdout.splitlines() if not line.startswith("#")]


def recorded_spec(camera: str = "door") -> CameraSpec:
    """A camera that is recorded."""
    return camera_spec(camera, recording=Recording(enabled=True))
