"""What services say to each other: typed records, their bytes, and the topics that carry them."""

from watchpost.contracts.catalogue import Cluster, Topic, TopicName, site_topics, topics
from watchpost.contracts.codec import (
    decode,
    encode,
    fingerprint_in,
    from_confluent,
    read_fields,
    read_head,
    to_confluent,
    to_plain,
)
from watchpost.contracts.schemas import RecordSchema, Schemas, fingerprint_of, schemas_root, shipped_schemas
from watchpost.contracts.source_headers import SourceHeader

__all__ = [
    "Cluster",
    "RecordSchema",
    "Schemas",
    "SourceHeader",
    "Topic",
    "TopicName",
    "decode",
    "encode",
    "fingerprint_in",
    "fingerprint_of",
    "from_confluent",
    "read_fields",
    "read_head",
    "schemas_root",
    "shipped_schemas",
    "site_topics",
    "to_confluent",
    "to_plain",
    "topics",
]
