"""How soon the embedded broker is there, and how much memory it takes: `python -m benchmarks.embedded_kafka`.

The last line is one JSON object: seconds until the broker answers (new, again after a stop, again after kill -9),
until the first record is acknowledged and consumed on a new one, and the resident memory in MB when it has started,
with a site's topics (12 of 24 partitions), and after a load (200 MB written and read).
"""

import json
import tempfile
import time
from pathlib import Path

from confluent_kafka import Consumer, Producer

from watchpost.stream.embedded import EmbeddedKafka
from watchpost.stream.topics import TopicPlan, apply_topics

_TOPICS = [TopicPlan(f"load-{number}", 24) for number in range(12)]
_RECORD = bytes(10_000)
_RECORDS = 20_000


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(_measure(Path(folder) / "kafka")))


def _measure(data_dir: Path) -> dict[str, float]:
    result: dict[str, float] = {}
    began = time.monotonic()

    def note(name: str) -> None:
        result[name] = round(time.monotonic() - began, 2)

    with EmbeddedKafka(data_dir) as kafka:
        note("new_s")
        result["started_mb"] = _resident_mb(kafka)
        apply_topics({"bootstrap.servers": kafka.bootstrap}, _TOPICS)
        _write(kafka.bootstrap, 1)
        note("first_record_acknowledged_s")
        _read(kafka.bootstrap, 1)
        note("first_record_consumed_s")
        result["with_topics_mb"] = _resident_mb(kafka)
        _write(kafka.bootstrap, _RECORDS)
        _read(kafka.bootstrap, _RECORDS)
        result["after_load_mb"] = _resident_mb(kafka)
        began = time.monotonic()
        kafka.stop()
        note("stop_s")
        began = time.monotonic()
        kafka.start()
        note("again_after_stop_s")
        kafka.kill()
        began = time.monotonic()
        kafka.start()
        note("again_after_kill_s")
    return result


def _write(bootstrap: str, count: int) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "log_level": 0})
    for number in range(count):
        producer.produce(_TOPICS[number % len(_TOPICS)].name, _RECORD)
        producer.poll(0)
        if number % 1000 == 0:
            producer.flush()
    producer.flush()


def _read(bootstrap: str, count: int) -> None:
    client = {"bootstrap.servers": bootstrap, "group.id": f"read-{count}", "auto.offset.reset": "earliest"}
    consumer = Consumer({**client, "log_level": 0})
    consumer.subscribe([topic.name for topic in _TOPICS])
    seen = 0
    while seen < count:
        seen += len(consumer.consume(1000, 1.0))
    consumer.close()


def _resident_mb(kafka: EmbeddedKafka) -> float:
    lines = Path(f"/proc/{kafka.pid}/status").read_text().splitlines()
    return round(int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024, 0)


if __name__ == "__main__":
    main()
