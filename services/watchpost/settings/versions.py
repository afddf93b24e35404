"""Digests by which one can tell what a record's writer was told."""

import hashlib
import json
from dataclasses import asdict, replace

from watchpost.contracts.records import CameraSpec

__all__ = ["digest", "versioned"]


def digest(content: object) -> str:
    """Twelve hex digits that are equal for equal content."""
    canonical = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def versioned(spec: CameraSpec) -> CameraSpec:
    """The spec with the `config_version` of its content. When it expires is no part of that."""
    return replace(spec, config_version=digest(asdict(replace(spec, config_version="", expires_at=None))))
