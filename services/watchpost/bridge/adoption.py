"""Makes the centre accept another Kafka cluster under this site's name: a person's decision, never the bridge's."""

import threading
from dataclasses import replace

from watchpost.bridge.ends import Ends, join
from watchpost.bridge.envelope import CentralClock, Outgoing
from watchpost.bridge.lanes import Lane, lanes
from watchpost.bridge.transactions import Transactions
from watchpost.bridge.uplink import Uplink
from watchpost.bridge.wire_meter import ClientMeter
from watchpost.clock import Clock, SystemClock
from watchpost.contracts import encode
from watchpost.errors import RetryableError
from watchpost.settings import SiteSettings

__all__ = ["adopt"]

_PATIENCE_S = 30.0


def adopt(settings: SiteSettings) -> str:
    """Let the cluster that `settings` lead to be the site's from now on; what was done, for a person.

    A bridge that carries for the earlier cluster is fenced. The lanes then begin a new epoch from offset 0.

    Raises:
        ConfigError: no centre is set.
        RetryableError: a cluster does not answer.
    """
    clock = SystemClock()
    ends = join(settings, clock)
    cluster_id = ends.site_cluster.cluster_id()
    told = [_adopt(lane, cluster_id, ends, clock) for lane in lanes(settings.bridge, settings.thumbnails)]
    return "\n".join(told)


def _adopt(lane: Lane, cluster_id: str, ends: Ends, clock: Clock) -> str:
    over = threading.Event()
    patience = threading.Timer(_PATIENCE_S, over.set)
    patience.start()
    meter = ClientMeter(Uplink(lambda: None))  # a checkpoint is all that goes: no cap concerns it
    transactions = Transactions(ends.central_client, ends.site, lane, meter, CentralClock(), lambda _: None)
    try:
        is_open = transactions.open(over)
        # only now: until the transactional.id is ours, another bridge may move the checkpoint
        known = ends.checkpoints.last_of(lane) if is_open else None
        if known is None and is_open:
            return f"{lane.name}: the centre knows nothing of this site yet, there is nothing to adopt"
        if known is not None and known.source_cluster_id == cluster_id:
            return f"{lane.name}: cluster {cluster_id} is the site's already"
        if known is not None:
            taken = encode(replace(known, source_cluster_id=cluster_id, written_at=clock.now()))
            record = Outgoing(
                ends.checkpoints.topic, lane.name.encode(), taken, (), int(clock.now().timestamp() * 1000)
            )
            if transactions.write((), lambda: record, over):
                return f"{lane.name}: cluster {cluster_id} takes the place of {known.source_cluster_id}"
        raise RetryableError(f"{lane.name}: the centre did not take it within {_PATIENCE_S:g} s; run it again")
    finally:
        patience.cancel()
        transactions.close()
