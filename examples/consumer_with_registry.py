"""Reads the events at a centre with a schema registry (`central.schema_registry.url`), by Confluent's own deserializer.

pip install "confluent-kafka[avro,schemaregistry]"
BOOTSTRAP=kafka.example.com:9092 REGISTRY=http://registry.example.com/apis/ccompat/v7 \
    python examples/consumer_with_registry.py
"""

import json
import os

from confluent_kafka import Consumer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

TOPIC = "watchpost.events.v1"

deserialize = AvroDeserializer(SchemaRegistryClient({"url": os.environ["REGISTRY"], "timeout": 20}))
consumer = Consumer(
    {
        "bootstrap.servers": os.environ.get("BOOTSTRAP", "localhost:9092"),
        "group.id": os.environ.get("GROUP", "example"),
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
    }
)
consumer.subscribe([TOPIC])
while True:
    message = consumer.poll(1.0)
    if message is None or message.error():
        continue
    event = deserialize(message.value(), SerializationContext(TOPIC, MessageField.VALUE))
    print(json.dumps(event, default=str), flush=True)
