"""Prints a site's events at the centre as JSON lines, with confluent-kafka, fastavro and `schemas/` alone.

BOOTSTRAP=kafka.example.com:9092 python examples/consumer.py
"""

import io
import json
import os
from pathlib import Path

import fastavro
from confluent_kafka import Consumer
from fastavro.schema import fingerprint, to_parsing_canonical_form

# each record begins with C3 01 and eight bytes that name the schema it was written with (Avro's single-object encoding)
WRITERS = {}
for path in (Path(__file__).parents[1] / "schemas" / "records").glob("EventChanged.*.avsc"):
    schema = json.loads(path.read_text())
    name = fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO")
    WRITERS[bytes.fromhex(name)] = fastavro.parse_schema(schema)

consumer = Consumer(
    {
        "bootstrap.servers": os.environ.get("BOOTSTRAP", "localhost:9092"),
        "group.id": os.environ.get("GROUP", "example"),
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",  # Java's clients default to uncommitted: say it
    }
)
consumer.subscribe(["watchpost.events.v1"])
while True:
    message = consumer.poll(1.0)
    if message is None or message.error() or not (value := message.value()):
        continue
    if (writer := WRITERS.get(value[2:10])) is None:
        raise SystemExit(f"schema {value[2:10].hex()} is newer than this schemas/: watchpost.schemas.v1 has it")
    event = fastavro.schemaless_reader(io.BytesIO(value[10:]), writer, None)
    print(json.dumps(event, default=str), flush=True)
