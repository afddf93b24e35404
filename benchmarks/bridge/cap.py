"""Does a cap hold on the wire, is it used, and does a new event pass the thumbnails that wait? `make bench-cap`.

Two brokers; between them a link that could carry more than the cap. Half an hour's thumbnails of eight cameras wait;
every half second an event happens. The last line is one JSON object: `event_delay_s` (from the site's acknowledgement
to a careful reader at the centre), `most_over_cap` (the fullest 10 s against the cap) and `least_used` (the emptiest
10 s of those with a backlog), measured at the link as TCP payload of both directions.
"""

import argparse
import json
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.fakes.arrivals import Reader
from tests.fakes.bridged_site import BridgedSite, event, thumbnail
from tests.fakes.wan import WanBroker, wan_broker
from watchpost.contracts import TopicName, decode
from watchpost.contracts.records import EventChanged
from watchpost.stream import value_of
from watchpost.stream.embedded import EmbeddedKafka

CAMERAS = [f"camera-{number}" for number in range(8)]
THUMBNAIL_BYTES = 12_000
THUMBNAILS = 8 * 30 * 6
WINDOW_S = 10.0
WARM_UP_S = 10.0
EVENT_EVERY_S = 0.5


@dataclass
class Delays:
    """When events were acknowledged at the site, and seen at the centre."""

    written_s: dict[str, float] = field(default_factory=dict)
    delays_s: list[float] = field(default_factory=list)


def main() -> None:
    asked = _arguments()
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedKafka(Path(folder) / "site") as site_kafka,
        wan_broker(Path(folder) / "central") as central,
    ):
        central.link.shape(up_kbps=asked.link_kbps, down_kbps=asked.link_kbps, delay_ms=asked.delay_ms)
        site = BridgedSite(
            site_kafka.bootstrap,
            central.wan_bootstrap,
            Path(folder),
            {"bandwidth": {"max_kbps": asked.kbps}},
            central_admin=central.direct_bootstrap,
        )
        site.write(thumbnail(f"t{n}", CAMERAS[n % 8], asked.thumbnail_bytes) for n in range(THUMBNAILS))
        print(json.dumps(_measured(site, central, asked)))


def _measured(site: BridgedSite, central: WanBroker, asked: argparse.Namespace) -> dict[str, float | int | str]:
    delays = Delays()
    with site.bridge() as bridge, Reader(central.direct_bootstrap, TopicName.EVENTS, site.name) as events:
        bridge.wait_until_ready(120)
        time.sleep(WARM_UP_S)
        since_s = central.link.meter.now_s()
        events.look()
        over = threading.Event()
        writer = threading.Thread(target=_write_events, args=(site, delays, over))
        writer.start()
        until_s = time.monotonic() + asked.seconds
        while time.monotonic() < until_s:
            _note(events, delays)
        lag_records = bridge.metric('watchpost_bridge_lag_records{producer="thumbnails"}')
        windows = central.link.meter.windows(WINDOW_S, since_s)
        over.set()
        writer.join()
    delays_s = sorted(delays.delays_s)
    cap_bytes = asked.kbps * 125 * WINDOW_S
    return {
        "cap_kbps": asked.kbps,
        "link": f"{asked.link_kbps:g} kbps, {2 * asked.delay_ms:g} ms round trip",
        "events": len(delays_s),
        "event_delay_p50_s": round(delays_s[len(delays_s) // 2], 3),
        "event_delay_p99_s": round(delays_s[int(len(delays_s) * 0.99)], 3),
        "event_delay_max_s": round(delays_s[-1], 3),
        "most_over_cap": round(float(windows.max()) / cap_bytes - 1, 4),
        "mean_used": round(float(windows.mean()) / cap_bytes, 4),
        "least_used": round(float(windows.min()) / cap_bytes, 4),
        "thumbnails_still_waiting": int(lag_records),
    }


def _write_events(site: BridgedSite, delays: Delays, over: threading.Event) -> None:
    number = 0
    while not over.wait(EVENT_EVERY_S):
        name = f"new-{number}"
        site.write([event(name, CAMERAS[number % 8])])
        delays.written_s[name] = time.monotonic()
        number += 1


def _note(events: Reader, delays: Delays) -> None:
    for message in events.take(0.05):
        name = decode(value_of(message) or b"", EventChanged).event_id
        written_s = delays.written_s.get(name)
        if written_s is not None:
            delays.delays_s.append(time.monotonic() - written_s)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kbps", type=float, default=500)
    parser.add_argument("--link-kbps", type=float, default=1000)
    parser.add_argument("--delay-ms", type=float, default=25, help="one way")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--thumbnail-bytes", type=int, default=THUMBNAIL_BYTES)
    return parser.parse_args()


if __name__ == "__main__":
    main()
