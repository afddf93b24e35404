"""Every error that Watchpost raises on purpose.

WatchpostError
├── ConfigError          the operator can mend it; carries the key and a remedy
├── ContractError        a record does not match its schema; goes to the dead-letter topic
│   └── UnknownSchemaError   the writer's schema is not known here: hold the record, never skip it
├── FrameError           pixels that a record refers to cannot be had
│   ├── FrameGoneError       they were kept for their time and are gone
│   └── FrameCorruptError    they are not what was stored
├── NotRecordedError     no pictures of the time that was asked for were recorded, or they are gone
├── ModelError           a model file is missing, unverified or unusable
├── SourceError          one camera; .reason says how it failed
├── SourceRefusedError   a caller named a stream that it may not reach; carries the field and a remedy
├── CallError            a call to the api is answered with a problem; carries its kind, the field and a remedy
├── RetryableError       the same call may work later
│   └── BatchTooLargeError   the model's memory does not hold so many pictures at once; fewer may fit
└── FencedError          another instance took over; the process must end
"""

from collections.abc import Mapping
from enum import StrEnum

__all__ = [
    "BatchTooLargeError",
    "CallError",
    "ConfigError",
    "ContractError",
    "FencedError",
    "FrameCorruptError",
    "FrameError",
    "FrameGoneError",
    "ModelError",
    "NotRecordedError",
    "RetryableError",
    "SourceError",
    "SourceFailure",
    "SourceRefusedError",
    "UnknownSchemaError",
    "WatchpostError",
]


class WatchpostError(Exception):
    """The root of the tree: catch it where a message for a person is printed, nowhere else."""


class ConfigError(WatchpostError):
    """A setting that the operator can mend.

    Args:
        key: the dotted path of the setting, such as `cameras.door.roi`.
        problem: what was expected and what came.
        remedy: what to write instead.

    """

    def __init__(self, key: str, problem: str, remedy: str) -> None:
        super().__init__(f"{key}: {problem}; {remedy}")
        self.key = key
        self.problem = problem
        self.remedy = remedy


class ContractError(WatchpostError):
    """Bytes that are no record of the expected kind."""


class UnknownSchemaError(ContractError):
    """A record written with a schema that is not known here. It may be learnt later: the record is held."""

    def __init__(self, fingerprint: str) -> None:
        super().__init__(
            f"no schema with fingerprint {fingerprint} is known; upgrade this reader or publish the schema"
        )
        self.fingerprint = fingerprint


class FrameError(WatchpostError):
    """Pixels that a record refers to cannot be had. Answer the record without them."""


class FrameGoneError(FrameError):
    """The frame was kept for its time and is gone."""


class FrameCorruptError(FrameError):
    """The bytes in the frame store are not those that were put there."""


class NotRecordedError(WatchpostError):
    """No pictures of the time that was asked for were recorded, or they are gone."""


class ModelError(WatchpostError):
    """A model that cannot be used: not there, not what its checksum promises, or of another shape than expected."""


class SourceFailure(StrEnum):
    """How a camera's stream fails."""

    REFUSED = "refused"
    UNAUTHORISED = "unauthorised"
    TIMEOUT = "timeout"
    NO_KEYFRAME = "no_keyframe"
    FROZEN = "frozen"
    UNSUPPORTED = "unsupported"
    ENDED = "ended"


class SourceError(WatchpostError):
    """One camera's stream failed. It never disturbs another camera."""

    def __init__(self, reason: SourceFailure, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class SourceRefusedError(WatchpostError):
    """A caller named a stream that it may not reach. Nothing was opened, and no text of it holds a password.

    Args:
        field: the field of the request, such as `stream_url`.
        problem: what was expected and what came.
        remedy: what to write instead.

    """

    def __init__(self, field: str, problem: str, remedy: str) -> None:
        super().__init__(f"{field}: {problem}; {remedy}")
        self.field = field
        self.problem = problem
        self.remedy = remedy


class CallError(WatchpostError):
    """A call to the api that is answered with a problem. No text of it holds a password.

    Args:
        kind: which problem, of those that `watchpost.api.problems` knows.
        detail: what was expected and what came.
        field: the field of the request that is wrong, where one is.
        remedy: what to do instead.
        headers: further headers of the answer.

    """

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        field: str | None = None,
        remedy: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail
        self.field = field
        self.remedy = remedy
        self.headers = dict(headers or {})


class RetryableError(WatchpostError):
    """Something outside was not ready; the same call may work later."""


class BatchTooLargeError(RetryableError):
    """The model's memory does not hold so many pictures at once."""


class FencedError(WatchpostError):
    """Another instance took this one's place. The process must end without writing anything more."""
