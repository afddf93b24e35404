"""What each uplink mode sends to the centre, on a whole site with real footage; the last line is one JSON object.

    python -m benchmarks.uplink [seconds]               # 80 of each mode unless given: the street once around

The street of `street.avi`, made into 1080p at 25 a second, is played in a loop as it would be taken, and watched in one
mode after the other. `wire_mbps` is what the bridge wrote to the centre's sockets, nothing capped, of all its traffic;
`thumbnails` arrived there, by their reason. `skipped` frames were not analysed because the machine did not keep up:
their pictures go up all the same, but they tell no events.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from confluent_kafka import Message

from tests.fakes.footage import street
from tests.fakes.site import SiteUnderTest
from tests.requirements import require
from tests.waiting import wait_for
from watchpost.contracts import TopicName, decode
from watchpost.contracts.camera_parts import UplinkMode
from watchpost.contracts.records import ThumbnailTaken
from watchpost.models import default_models_dir, pull
from watchpost.site.delivery import read_topic
from watchpost.site.scrape import scrape
from watchpost.stream import RecordProducer, value_of

__all__ = ["main"]

_CAMERA = "street"
_SECONDS = 80.0
_MODELS = ("yolox-nano", "movenet-multipose")
_CODING = ("-vf", "scale=1920:1080", "-r", "25", "-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-g", "25")


def main(seconds: float) -> None:
    """Run the site and print the figures."""
    for name in _MODELS:
        pull(name, default_models_dir())
    with tempfile.TemporaryDirectory() as folder:
        source = f"file:{_street_in_full_hd(Path(folder))}?loop=1"
        with SiteUnderTest(Path(folder), {_CAMERA: source}) as site:
            wait_for(lambda: len(site.central_events()), lambda events: events > 0, within_s=120)
            report = {mode.value: _measured(site, mode, seconds) for mode in UplinkMode}
    print(json.dumps({"seconds": seconds, **report}))


def _street_in_full_hd(folder: Path) -> Path:
    source, made = street(), folder / "street.mp4"
    require("ffmpeg", "apt-get install -y ffmpeg")
    subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-i", str(source), *_CODING, "-pix_fmt", "yuv420p", str(made)], check=True
    )
    return made


def _measured(site: SiteUnderTest, mode: UplinkMode, seconds: float) -> dict[str, object]:
    _turn_to(site, mode)
    began_at, began_s, before = datetime.now(UTC), time.monotonic(), _counted(site)
    time.sleep(seconds)
    after, took_s, ended_at = _counted(site), time.monotonic() - began_s, datetime.now(UTC)

    def more(name: str) -> int:
        return round(after.get(name, 0) - before.get(name, 0))

    def within(at: datetime) -> bool:
        return began_at <= at < ended_at

    pictures = [taken.reason.value for taken in _central_thumbnails(site) if within(taken.taken_at)]
    return {
        "wire_mbps": round(more("watchpost_bridge_sent_bytes") * 8 / took_s / 1e6, 4),
        "thumbnails": dict(Counter(pictures)),
        "events": sum(within(event.at) for event in site.central_events()),
        "captured": more("watchpost_frames_captured_total"),
        "skipped": more("watchpost_frames_skipped_total"),
    }


def _turn_to(site: SiteUnderTest, mode: UplinkMode) -> None:
    """Ask for the mode, and wait until frames are watched in it and nothing of the one before is on its way."""
    spec = site.settings.camera_spec(_CAMERA)
    asked = replace(spec.assignment, uplink=mode, bandwidth_saving=mode is not UplinkMode.FULL)
    producer = RecordProducer(site.site)
    producer.send(TopicName.CAMERAS, replace(spec, assignment=asked, config_version=mode.value), key=_CAMERA)
    producer.flush()
    wait_for(
        lambda: [seen.assignment.uplink_mode for seen in site.observations()[-1:]],
        lambda modes: modes == [mode],
        within_s=60,
    )
    wait_for(lambda: _counted(site).get("watchpost_bridge_lag_records"), lambda records: records == 0, within_s=60)


def _counted(site: SiteUnderTest) -> dict[str, float]:
    telemetry = site.settings.telemetry
    return scrape(telemetry.host, *telemetry.ports.model_dump().values())


def _central_thumbnails(site: SiteUnderTest) -> list[ThumbnailTaken]:
    return list(read_topic(site.central, TopicName.THUMBNAILS, _thumbnail))


def _thumbnail(message: Message) -> ThumbnailTaken:
    return decode(value_of(message) or b"", ThumbnailTaken)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else _SECONDS)
