"""Names what a sound configuration will probably not be meant to do."""

import os
import re
import stat
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from watchpost.contracts.records import CameraSpec, Task
from watchpost.settings import SecuritySettings, SiteSettings
from watchpost.settings.uplink_load import warnings_of_uplink
from watchpost.vision.geometry import FULL_FRAME, FractionBox, FractionPoint

__all__ = ["warnings_of"]

_FALLS_FPS = 5
_WHOLE = (0.0, 0.0, 1.0, 1.0)
_SECRET_IN_QUERY = re.compile(r"[?&][^=&]*(pass|pwd|token|key|secret|auth)[^=&]*=", re.IGNORECASE)


def warnings_of(settings: SiteSettings) -> Iterator[str]:
    """A line for each, beginning with the key: what follows from it, and what to write instead."""
    yield from _of_central(settings)
    yield from _of_api(settings)
    yield from _of_remote(settings)
    yield from _of_connection("kafka", settings.kafka.bootstrap, settings.kafka.security)
    yield from warnings_of_uplink(settings)
    if len(settings.cameras) == settings.max_streams:
        yield f"max_streams: all {settings.max_streams} are taken by configured cameras; /analyze can add no other"
    for name, camera in settings.cameras.items():
        key = f"cameras.{name}"
        yield from _of_secret(f"{key}.secret", camera.secret)
        yield from _of_stream(f"{key}.source", camera.source)
        yield from _of_stream(f"{key}.substream", camera.substream)
        if camera.roi == _WHOLE:
            yield f"{key}.roi: [0, 0, 1, 1] is the whole frame; leave it out unless the site has another"
        yield from _of_spec(key, settings.camera_spec(name))
    if settings.stream_params.roi == _WHOLE:
        yield "stream_params.roi: [0, 0, 1, 1] is the whole frame; leave it out"


def _of_central(settings: SiteSettings) -> Iterator[str]:
    if settings.central is None:
        yield "central: none is set, so events stay at this site and expire after 48 h; add central: {bootstrap: …}"
    else:
        yield from _of_connection("central", settings.central.bootstrap, settings.central.security)


def _of_remote(settings: SiteSettings) -> Iterator[str]:
    if settings.remote is None:
        return
    if settings.model_params.model != "remote":
        yield f"remote: nobody asks it while model_params.model is {settings.model_params.model}; set that to remote"
    yield from _of_secret("remote.api_key", settings.remote.api_key, "inference")
    address = urlsplit(settings.remote.url)
    if address.scheme == "http" and "." in (host := address.hostname or "") and not _is_loopback(host):
        yield f"remote.url: pictures of your cameras cross the network to {host} as they are; use https there"


def _of_connection(key: str, bootstrap: str | None, security: SecuritySettings) -> Iterator[str]:
    hosts = [server.rpartition(":")[0].strip("[]") for server in (bootstrap or "").split(",")]
    # a name without a dot is one of a network of containers
    leaves_the_machine = any("." in host and not _is_loopback(host) for host in hosts)
    if leaves_the_machine and security.protocol in {"PLAINTEXT", "SASL_PLAINTEXT"}:
        yield f"{key}.security: {security.protocol} lets everybody on the way read along; use SSL or SASL_SSL"
    yield from _of_secret(f"{key}.security.password", security.password, "who connects")
    if security.password_file is not None:
        yield from _of_file(f"{key}.security.password_file", security.password_file)


def _of_api(settings: SiteSettings) -> Iterator[str]:
    api = settings.api
    if _is_loopback(api.host):
        return
    where = f"{api.host}:{api.port}"
    if api.anonymous == "analyze":
        yield f"api.anonymous: whoever reaches {where} may have any camera analysed without a token"
    if not api.tokens and api.tokens_file is None:
        yield f"api.tokens: {where} can be reached from elsewhere, and there is no token to call it with; add some"
    yield f"api.host: tokens cross the network to {where} as they are; put TLS in front of it"


def _of_stream(key: str, address: str | None) -> Iterator[str]:
    if address is not None and _SECRET_IN_QUERY.search(address):
        yield f"{key}: its query seems to hold a secret, which travels and is logged with it; use secret:"


def _of_secret(key: str, secret: str | None, needed_by: str = "ingest") -> Iterator[str]:
    kind, _, name = (secret or "").partition(":")
    if kind == "env" and name not in os.environ:
        yield f"{key}: {name} is not set in this environment; {needed_by} needs it"
    elif kind == "file":
        yield from _of_file(key, Path(name))


def _of_file(key: str, path: Path) -> Iterator[str]:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        yield f"{key}: {path} cannot be read here ({error.strerror})"
        return
    if mode & (stat.S_IRGRP | stat.S_IROTH):
        yield f"{key}: {path} can be read by others on this machine; chmod 600 {path}"


def _of_spec(key: str, spec: CameraSpec) -> Iterator[str]:
    yield from _of_pictures(key, spec)
    asked = spec.assignment
    if Task.ABNORMAL_BEHAVIOR not in asked.tasks:
        if asked.zones:
            yield f"{key}.zones: they say nothing without the task {Task.ABNORMAL_BEHAVIOR.value}; add it to tasks"
        return
    if spec.max_frames < _FALLS_FPS:
        yield f"{key}.max_frames: {spec.max_frames:g} a second are too few to see a fall; {_FALLS_FPS} are enough"
    elif spec.skip_frames:
        needed = _FALLS_FPS * (spec.skip_frames + 1)
        yield f"{key}.skip_frames: falls need {_FALLS_FPS} frames a second, so the camera must give {needed} or more"
    for zone in asked.zones:
        if spec.roi is not None and not all(_is_kept(corner, spec) for corner in zone.polygon):
            yield f"{key}.zones.{zone.name}: part of it lies outside of the roi, where nobody is seen"


def _of_pictures(key: str, spec: CameraSpec) -> Iterator[str]:
    if spec.recording.enabled and spec.masks and not spec.recording.unmasked:
        yield f"{key}.recording: packets know no masks, so it is not recorded; unmasked: true records it for admins"
    if spec.masks and spec.recording.unmasked:
        yield f"{key}.recording.unmasked: what its masks hide lies on the disk; only the api's admins are shown it"
    roi = spec.roi or FULL_FRAME
    for region in spec.regions:
        if not (_lies_in(region.box.x0, region.box.y0, roi) and _lies_in(region.box.x1, region.box.y1, roi)):
            yield f"{key}.regions.{region.name}: part of it lies outside of the roi, where nobody is seen"


def _is_kept(corner: FractionPoint, spec: CameraSpec) -> bool:
    return _lies_in(corner.x, corner.y, spec.roi or FULL_FRAME)


def _lies_in(x: float, y: float, box: FractionBox) -> bool:
    return box.x0 <= x <= box.x1 and box.y0 <= y <= box.y1


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
