"""Records through Kafka: consumer, producer, dead letters, topics and the broker itself."""

from watchpost.stream.connection import client_config, watched
from watchpost.stream.consumer import Received, RecordConsumer
from watchpost.stream.dead_letters import (
    DeadLetter,
    DeadLetters,
    burial_headers,
    read_dead_letters,
    replay_dead_letters,
)
from watchpost.stream.messages import Header, headers_of, key_of, value_of
from watchpost.stream.producer import RecordProducer
from watchpost.stream.watermarks import watermarks, watermarks_at_once

__all__ = [
    "DeadLetter",
    "DeadLetters",
    "Header",
    "Received",
    "RecordConsumer",
    "RecordProducer",
    "burial_headers",
    "client_config",
    "headers_of",
    "key_of",
    "read_dead_letters",
    "replay_dead_letters",
    "value_of",
    "watched",
    "watermarks",
    "watermarks_at_once",
]
