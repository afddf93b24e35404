"""Says which part of a site works by which setting: what to do when one changes, and what a config_version stands for.

changes = changed_scopes(before, after)
changes[Scope.EVENTS]            # {"events.cool_down_s"}: the events service must start again

A `config_version` is a digest of what the writer of a record works by and no more, so it changes when that part was
told something new, and a service that nobody told anything keeps both its version and its work. Cameras carry their
own: a version of the spec that they are read by. Replicas that keep their state elsewhere say the same.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from watchpost.settings.site import SiteSettings
from watchpost.settings.versions import digest

__all__ = ["Scope", "changed_scopes", "leaves", "scopes_of", "version_of"]


class Scope(StrEnum):
    """Who works by a setting."""

    INGEST = "ingest"
    INFERENCE = "inference"
    EVENTS = "events"
    BRIDGE = "bridge"
    API = "api"
    CAMERAS = "cameras"  # it travels in the camera's spec
    PROCESSES = "processes"  # how many of them `watchpost up` runs; those that run go on
    FIXED = "fixed"  # everything, from the start


# the longest that a setting's path begins with holds
_SCOPES: Mapping[str, frozenset[Scope]] = {
    "site.name": frozenset({Scope.FIXED}),
    "site.timezone": frozenset({Scope.API, Scope.BRIDGE}),  # caps by the time of day
    "state_dir": frozenset({Scope.FIXED}),
    "kafka": frozenset({Scope.FIXED}),
    "frames": frozenset({Scope.FIXED}),
    "telemetry": frozenset({Scope.FIXED}),
    "telemetry.ports.ingest": frozenset({Scope.INGEST}),
    "telemetry.ports.inference": frozenset({Scope.INFERENCE}),
    "telemetry.ports.events": frozenset({Scope.EVENTS}),
    "telemetry.ports.bridge": frozenset({Scope.BRIDGE}),
    # the api fills them in for the cameras that it adds
    "cameras": frozenset({Scope.CAMERAS}),
    "tasks": frozenset({Scope.CAMERAS, Scope.API}),
    "stream_params": frozenset({Scope.CAMERAS, Scope.API}),
    "roi_origin": frozenset({Scope.CAMERAS, Scope.API}),
    "model_params.max_frames": frozenset({Scope.CAMERAS, Scope.API}),
    "model_params.skip_frames": frozenset({Scope.CAMERAS, Scope.API}),
    "events.thumbnail_interval_s": frozenset({Scope.CAMERAS, Scope.API}),
    "uplink": frozenset({Scope.CAMERAS, Scope.API}),
    "recordings.enabled": frozenset({Scope.CAMERAS, Scope.API}),
    "recordings": frozenset({Scope.INGEST, Scope.API}),
    "recordings.path": frozenset({Scope.INGEST, Scope.API, Scope.BRIDGE}),  # clips go up from there
    "max_streams": frozenset({Scope.INGEST, Scope.API}),
    "ingest": frozenset({Scope.INGEST, Scope.API}),  # the api waits as long as ingest does
    "model_params": frozenset({Scope.INFERENCE}),
    # the api refuses questions in words where the model answers none
    "model_params.model": frozenset({Scope.INFERENCE, Scope.API}),
    "models_catalogue": frozenset({Scope.INFERENCE, Scope.API}),
    "remote": frozenset({Scope.INFERENCE}),
    "inference": frozenset({Scope.INFERENCE}),
    "inference.workers": frozenset({Scope.PROCESSES}),
    "events": frozenset({Scope.EVENTS}),
    "bandwidth": frozenset({Scope.BRIDGE, Scope.API}),  # the api warns callers of an uplink that does not fit
    "bridge": frozenset({Scope.BRIDGE}),
    "thumbnails": frozenset({Scope.BRIDGE}),
    "central": frozenset({Scope.BRIDGE}),
    "central.clips.upload": frozenset({Scope.BRIDGE, Scope.EVENTS}),  # events name their clips
    "api": frozenset({Scope.API}),
}
_KEPT_SOMEWHERE = "telemetry"


def scopes_of(path: str) -> frozenset[Scope]:
    """Who works by the setting at the dotted `path`. Raises KeyError for one that nobody works by."""
    parts = path.split(".")
    for length in range(len(parts), 0, -1):
        found = _SCOPES.get(".".join(parts[:length]))
        if found is not None:
            return found
    raise KeyError(path)


def leaves(settings: SiteSettings) -> dict[str, Any]:
    """Every single value in force by its dotted path, as JSON has it."""
    return dict(_leaves(settings.model_dump(mode="json"), ""))


def changed_scopes(before: SiteSettings, after: SiteSettings) -> dict[Scope, frozenset[str]]:
    """Who is concerned by what differs, and the paths of that."""
    # what is null in a group is as what is not there because its group is null
    one, other = leaves(before), leaves(after)
    concerned: dict[Scope, set[str]] = defaultdict(set)
    for path in one.keys() | other.keys():
        if one.get(path) != other.get(path):
            for scope in scopes_of(path):
                concerned[scope].add(path)
    return {scope: frozenset(paths) for scope, paths in concerned.items()}


def version_of(settings: SiteSettings, scope: Scope) -> str:
    """The `config_version` in what this part writes."""
    works_by = {
        path: value
        for path, value in leaves(settings).items()
        if value is not None and scope in scopes_of(path) and not path.startswith(_KEPT_SOMEWHERE)
    }
    return digest({**works_by, "site.name": settings.site.name})


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if not (isinstance(value, dict) and value):
        yield path, value
        return
    for key, inner in value.items():
        yield from _leaves(inner, f"{path}.{key}" if path else key)
