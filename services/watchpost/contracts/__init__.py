"""What services say to each other: typed records, their bytes, and the topics that carry them."""

from watchpost.contracts.catalogue import Cluster, Topic, TopicName, site_topics, topics
from watchpost.contracts.codec import (
    HEADER_BYTES,
    RecordHead,
    decode,
    encode,
    fingerprint_in,
    from_confluent,
    read_fields,
    to_confluent,
    to_plain,
)
from watchpost.contracts.schemas import RecordSchema, Schemas, fingerprint_of, schemas_root, shipped_schemas
from watchpost.contracts.source_headers import SourceHeader

__all__ = [
    "HEADER_BYTES",
    "Cluster",
    "RecordHead",
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
    "schemas_root",
    "shipped_schemas",
    "site_topics",
    "to_confluent",
    "to_plain",
    "topics",
]
