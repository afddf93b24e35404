"""The Faust app of the events service: every setting on which its exactness hangs, in one place."""

import logging
from collections.abc import Mapping
from typing import cast

import faust
from faust.types import TP, AppT, TopicT
from yarl import URL

from watchpost.contracts import TopicName
from watchpost.events.assigning import WatchfulAssignor
from watchpost.events.faust_kafka import SureConsumer, SureProducer, SureTransport, credentials
from watchpost.settings import SiteSettings

__all__ = ["begin_of", "build_app", "commit_by_partition", "first_offset_of", "observations", "sure_producer"]

# each service of Faust tells of its starts and stops, also under the modules of ours that derive from one
_NOISY = ("faust", "mode", "watchpost.events.changelog", "watchpost.events.faust_kafka")
_SESSION_TIMEOUT_S = 10.0
_HEARTBEAT_S = 3.0
# how long a record may wait for its acknowledgement: a broker restarts within it, a dead one ends the process
_SEND_TIMEOUT_S = 20.0


def build_app(settings: SiteSettings) -> faust.App:
    """An app that is not started. Its folder is made."""
    folder = settings.state_dir.absolute() / "events"
    folder.mkdir(parents=True, exist_ok=True)
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # while Kafka is away it writes 300 lines a second; health tells, and what fails in the end is raised
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    app = faust.App(
        settings.events.app_id,
        broker=[URL(f"kafka://{address}") for address in settings.kafka.address.split(",")],
        broker_credentials=credentials(settings.kafka.security),
        broker_session_timeout=_SESSION_TIMEOUT_S,
        broker_heartbeat_interval=_HEARTBEAT_S,
        broker_request_timeout=_SEND_TIMEOUT_S,
        broker_rebalance_timeout=30.0,
        processing_guarantee="at_least_once",
        producer_acks=-1,
        producer_request_timeout=_SEND_TIMEOUT_S,
        consumer_auto_offset_reset="earliest",
        # topics are made by `watchpost topics apply` and by `prerequisites`, with their settings, or not at all
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        # after a power cut RocksDB may know more than the broker kept: Faust would refuse to start, for ever
        recovery_consistency_check=False,
        store="rocksdb://",
        datadir=str(folder),
        stream_wait_empty=False,
        stream_buffer_maxsize=4096,
        web_enabled=False,
        autodiscover=False,
        PartitionAssignor=WatchfulAssignor,
    )
    app.transport = SureTransport(app.conf.broker_consumer, app)
    return app


def observations(app: AppT) -> TopicT:
    """The topic that is read, as bytes. acks=False: Faust tracks and commits nothing, `commit_by_partition` does."""
    return app.topic(
        TopicName.OBSERVATIONS.value,
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
        acks=False,
        allow_empty=True,
    )


def sure_producer(app: AppT) -> SureProducer:
    """The app's producer."""
    return cast("SureProducer", app.producer)


def begin_of(app: AppT, partition: int) -> int | None:
    """Where this observations partition is read from since its assignment; None until that is settled."""
    return _consumer(app).begin(_place(partition))


async def first_offset_of(app: AppT, partition: int) -> int:
    """The oldest observation that Kafka still has of this partition."""
    return await _consumer(app).first_offset(_place(partition))


async def commit_by_partition(app: AppT, offsets: Mapping[int, int]) -> None:
    """Commit these offsets of the observations. Where the group has moved on, they are another's to commit."""
    await _consumer(app).commit_offsets({_place(partition): offset for partition, offset in offsets.items()})


def _consumer(app: AppT) -> SureConsumer:
    return cast("SureConsumer", app.consumer)


def _place(partition: int) -> TP:
    return TP(TopicName.OBSERVATIONS.value, partition)
