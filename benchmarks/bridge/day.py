"""A day's outage in an hour: `make bench-day`.

24 hours' worth of eight cameras' events and thumbnails (about 2 GB) gathers behind a cut link, which then carries 12
Mbit/s; and a day's events alone at 500 kbit/s. The last line is one JSON object, with a part for each: seconds until
the events and until all was there, the bridge's memory, the forecast's largest error from its tenth minute on (until a
minute before the end), and what `watchpost audit` says of it.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fakes.bridge_process import BridgeProcess
from tests.fakes.bridged_site import BridgedSite, event, thumbnail
from tests.fakes.wan import WanBroker, wan_broker
from watchpost.contracts.records import EventChanged, ThumbnailTaken
from watchpost.stream.embedded import EmbeddedKafka

CAMERAS = [f"camera-{number}" for number in range(8)]
DAY_S = 24 * 3600
EVERY_S = 10
# as measured: a picture 320 pixels wide at quality 70, and the larger ones of events
THUMBNAIL_BYTES = 28_000
BATCH = 2000
LOOK_EVERY_S = 5.0
FORECAST_FROM_S, FORECAST_UNTIL_S = 600.0, 60.0


@dataclass
class Watched:
    """What was seen of a catch-up, every few seconds."""

    began_s: float = field(default_factory=time.monotonic)
    forecasts: list[tuple[float, float]] = field(default_factory=list)
    resident_mb: list[float] = field(default_factory=list)
    events_s: float = 0.0
    all_s: float = 0.0


def main() -> None:
    asked = _arguments()
    result: dict[str, Any] = {"hours": 24 * asked.share}
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        for name, kbps, has_thumbnails in (("all", asked.kbps, True), ("events_alone", asked.event_kbps, False)):
            (Path(folder) / name).mkdir()
            result[name] = _caught_up(Path(folder) / name, kbps, asked.share, has_thumbnails=has_thumbnails)
    print(json.dumps(result))


def _caught_up(folder: Path, kbps: float, share: float, *, has_thumbnails: bool) -> dict[str, Any]:
    with EmbeddedKafka(folder / "site") as site_kafka, wan_broker(folder / "central") as central:
        central.link.shape(up_kbps=kbps, down_kbps=kbps, delay_ms=20)
        site = BridgedSite(site_kafka.bootstrap, central.wan_bootstrap, folder, central_admin=central.direct_bootstrap)
        with site.bridge() as bridge:
            bridge.wait_until_ready(120)
            central.link.cut()
            at_start_mb = bridge.resident_mb()
            gathered_bytes = _gather(site, share, has_thumbnails=has_thumbnails)
            behind_mb = bridge.resident_mb()
            before_bytes = central.link.meter.up_bytes
            central.link.restore()
            watched = _watched(bridge)
            wire_bytes = central.link.meter.up_bytes - before_bytes
        return {
            "link_kbps": kbps,
            "gathered_mb": round(gathered_bytes / 1e6, 1),
            "wire_mb": round(wire_bytes / 1e6, 1),
            "events_s": round(watched.events_s, 1),
            "all_s": round(watched.all_s, 1),
            "link_used": round(wire_bytes * 8 / 1000 / kbps / watched.all_s, 3),
            "resident_mb": {
                "at_start": round(at_start_mb),
                "behind_the_cut": round(behind_mb),
                "most_while_catching_up": round(max(watched.resident_mb)),
            },
            "forecast_worst_error": _worst_error(watched),
            "audit": _audit(central, site),
        }


def _gather(site: BridgedSite, share: float, *, has_thumbnails: bool) -> int:
    gathered, batch = 0, list[EventChanged | ThumbnailTaken]()
    for record in _records(round(DAY_S * share / EVERY_S), has_thumbnails=has_thumbnails):
        batch.append(record)
        if len(batch) == BATCH:
            gathered += sum(map(len, site.write(batch)))
            batch.clear()
    return gathered + sum(map(len, site.write(batch)))


def _records(ticks: int, *, has_thumbnails: bool) -> Iterator[EventChanged | ThumbnailTaken]:
    for tick in range(ticks):
        for camera in CAMERAS:
            yield event(f"{camera}-{tick}", camera)
            if has_thumbnails:
                yield thumbnail(f"{camera}-{tick}", camera, THUMBNAIL_BYTES)


def _watched(bridge: BridgeProcess) -> Watched:
    watched = Watched()
    while True:
        time.sleep(LOOK_EVERY_S)
        passed_s = time.monotonic() - watched.began_s
        waiting = {
            lane: bridge.metric(f'watchpost_bridge_lag_records{{producer="{lane}"}}')
            for lane in ("events", "thumbnails")
        }
        forecast_s = bridge.metric("watchpost_bridge_catch_up_seconds")
        watched.forecasts.append((passed_s, forecast_s))
        watched.resident_mb.append(bridge.resident_mb())
        print(f"{passed_s:7.0f} s  waiting {waiting}  forecast {forecast_s:.0f} s", file=sys.stderr, flush=True)
        if not waiting["events"] and not watched.events_s:
            watched.events_s = passed_s
        if not any(waiting.values()):
            watched.all_s = passed_s
            return watched


def _worst_error(watched: Watched) -> float | None:
    errors = [
        abs(foretold_s - (watched.all_s - at_s)) / (watched.all_s - at_s)
        for at_s, foretold_s in watched.forecasts
        if at_s >= FORECAST_FROM_S and watched.all_s - at_s >= FORECAST_UNTIL_S
    ]
    return round(max(errors), 3) if errors else None


def _audit(central: WanBroker, site: BridgedSite) -> dict[str, Any]:
    command = [sys.executable, "-m", "watchpost", "audit", "--central", central.direct_bootstrap]
    done = subprocess.run([*command, "--site", site.name], check=False, capture_output=True, text=True)
    return {"exit_code": done.returncode, "verdict": done.stdout.strip().splitlines()[-1][:300]}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kbps", type=float, default=12_000)
    parser.add_argument("--event-kbps", type=float, default=500)
    parser.add_argument("--share", type=float, default=1.0, help="of a day")
    parser.add_argument("--folder", type=Path, default=None, help="where 5 GB have room")
    return parser.parse_args()


if __name__ == "__main__":
    main()
