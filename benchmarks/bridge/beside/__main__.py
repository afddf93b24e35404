"""Our bridge beside MirrorMaker 2: `make bench-bridge`.

300,000 events of 1 KB and 2,000 thumbnails of 30 KB lie at a site. Each of the two brings them to a fresh centre, at 0
and at 100 ms of round trip, one after the other. The last line is one JSON object: for each round trip and mover
`catch_up_mb_s` (values, from the first to the last record that a careful reader sees), `first_record_s` (from the
process's start), `rss_mb` (its peak), `wire_bytes` (both directions, at the link) and `cpu_s`; or `error`.
"""

import argparse
import json
import sys
import tempfile
import traceback
from functools import partial
from pathlib import Path

from benchmarks.bridge.beside.mirror_maker import MirrorMakerSize, mirror_maker
from benchmarks.bridge.beside.ours import our_bridge
from benchmarks.bridge.beside.records import Written, write_records
from benchmarks.bridge.beside.run import SITE, Mover, measured
from watchpost.contracts import TopicName, site_topics
from watchpost.stream.embedded import EmbeddedKafka
from watchpost.stream.topics import TopicPlan, apply_topics

EVENTS, THUMBNAILS = 300_000, 2_000
MOVERS = ("mm2", "watchpost")


def main() -> None:
    asked = _arguments()
    result: dict[str, dict[str, dict[str, float | str]]] = {}
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder, EmbeddedKafka(Path(folder) / "site") as site:
        written = _site(site.bootstrap, asked.share)
        for rtt_ms in asked.rtt_ms:
            runs = result[f"rtt_{rtt_ms}_ms"] = {}
            for name in asked.only:
                run_folder = Path(folder) / f"{name}-{rtt_ms}"
                runs[name] = _run(name, run_folder, site.bootstrap, written, rtt_ms, asked)
                _tell(f"{name} at {rtt_ms} ms: {runs[name]}")
    print(json.dumps(result))


def _site(bootstrap: str, share: float) -> Written:
    """The site's topics, and all that is to be carried."""
    # the disk is not what is measured: no fsync for each record while they are written
    plans = [
        TopicPlan(topic.name, topic.partitions, topic.settings | {"flush.messages": str(2**31)})
        for topic in site_topics("site", SITE)
        if topic.name in {TopicName.EVENTS, TopicName.THUMBNAILS}
    ]
    apply_topics({"bootstrap.servers": bootstrap}, plans)
    written = write_records(bootstrap, round(EVENTS * share), round(THUMBNAILS * share))
    _tell(f"at the site: {written}")
    return written


def _run(
    name: str, folder: Path, site: str, written: Written, rtt_ms: int, asked: argparse.Namespace
) -> dict[str, float | str]:
    """One side's result; what went wrong where it failed, and the other one goes on."""
    folder.mkdir()
    mover: Mover
    if name == "mm2":
        size = MirrorMakerSize(asked.heap_mb, asked.tasks)
        mover = partial(mirror_maker, folder / "mover", site, size=size)
    else:
        mover = partial(our_bridge, folder / "mover", site)
    try:
        told = partial(_tell_of, name)
        return {**measured(folder / "central", mover, written, rtt_ms, asked.within_s, told).as_plain()}
    except Exception as error:  # noqa: BLE001  (one side that fails must not hide what the other does)
        traceback.print_exc()
        for log in sorted((folder / "mover").glob("*.log")):
            _tell(_problems(log))
        return {"error": f"{type(error).__name__}: {error}"}


def _problems(log: Path) -> str:
    """What a mover says of its errors, and its last words."""
    lines = log.read_text(errors="replace").splitlines()
    errors = [number for number, line in enumerate(lines) if " ERROR " in line][:3]
    shown = sorted({near for number in errors for near in range(number, min(number + 8, len(lines)))})
    return "\n".join([f"{log}:", *(lines[number] for number in shown), "…", *lines[-10:]])


def _tell_of(name: str, text: str) -> None:
    _tell(f"{name:10} {text}")


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of the records")
    parser.add_argument("--rtt-ms", type=int, nargs="+", default=[0, 100])
    parser.add_argument("--only", nargs="+", choices=MOVERS, default=list(MOVERS))
    parser.add_argument("--heap-mb", type=int, default=256, help="MirrorMaker 2's; its own default is 2048")
    parser.add_argument("--tasks", type=int, default=2, help="MirrorMaker 2's; one keeps a core busy")
    parser.add_argument("--within-s", type=float, default=180, help="for each run")
    parser.add_argument("--folder", type=Path, default=None, help="where 3 GB have room")
    return parser.parse_args()


if __name__ == "__main__":
    main()
