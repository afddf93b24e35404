"""Our bridge, as a site runs it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.bridge.beside.run import SITE
from tests.fakes.bridge_process import BridgeProcess
from watchpost.stream.free_ports import free_port

__all__ = ["our_bridge"]


@contextmanager
def our_bridge(folder: Path, edge: str, central: str) -> Iterator[int]:
    """Run it from the edge to the centre, no cap set; its process id."""
    folder.mkdir(parents=True)
    port, config = free_port(), folder / "watchpost.yaml"
    settings = {
        "site": SITE,
        "kafka": {"bootstrap": edge},
        "central": {"bootstrap": central},
        "telemetry": {"ports": {"bridge": port}},
    }
    config.write_text(json.dumps(settings))
    with BridgeProcess(config, port, folder / "bridge.log") as bridge:
        yield bridge.pid
