"""What the bridge adds to a record at the centre, so that anybody can prove where it came from and what is missing."""

from enum import StrEnum

__all__ = ["SourceHeader"]


class SourceHeader(StrEnum):
    """Names of headers. Values are text in UTF-8, numbers in decimal."""

    CLUSTER = "watchpost-source-cluster"
    TOPIC_ID = "watchpost-source-topic-id"
    PARTITION = "watchpost-source-partition"
    OFFSET = "watchpost-source-offset"
    EPOCH = "watchpost-source-epoch"
    # what time it was at the centre when the bridge put the record into its transaction, in milliseconds
    SENT = "watchpost-sent-ms"
    # repeats that were left out since the record before: partition:first-last, comma between
    DROPPED_REPEATS = "watchpost-dropped-repeats"
    # milliseconds; there only where the record's own timestamp lay in the centre's future
    ORIGINAL_TIMESTAMP = "watchpost-original-timestamp-ms"
    # of a delivery_gap instead of an offset: the first offset that is missing, and the first that is not
    GAP_FROM = "watchpost-gap-from"
    GAP_TO = "watchpost-gap-to"
