"""What is sound and will hardly be meant: each is named by its key, and a good file has none."""

from pathlib import Path

import pytest
import yaml

from watchpost.settings import settings_from
from watchpost.site.config_warnings import warnings_of

GOOD = "central: {bootstrap: 'centre:9092'}\ncameras: {door: 'rtsp://10.0.0.5/live'}\n"
ZONE = "zones: {gate: {kind: crowd, polygon: [[0, 0], [1, 0], [1, 1]]}}"
REMOTE = (
    "{model_params: {model: remote}, remote: {url: 'https://models.example.com', model: m, api_key: 'env:MODEL_KEY'}}"
)
# what is added to the good file, and the warning that follows
DOUBTFUL = [
    ("central: null", "central: none is set"),
    ("central: {bootstrap: 'kafka.example.com:9092'}", "central.security: PLAINTEXT lets everybody"),
    ("kafka: {bootstrap: '10.0.0.1:9092,10.0.0.2:9092'}", "kafka.security: PLAINTEXT lets everybody"),
    ("kafka: {security: {password_file: /none}}", "kafka.security.password_file: /none cannot be read here"),
    ("kafka: {security: {password: 'env:NOT_SET_HERE'}}", "kafka.security.password: NOT_SET_HERE is not set"),
    ("api: {host: 0.0.0.0}", "api.tokens: 0.0.0.0:7860 can be reached from elsewhere, and there is no token"),
    ("api: {host: 0.0.0.0, tokens_file: /tokens}", "api.host: tokens cross the network"),
    ("api: {host: '::', anonymous: analyze}", "api.anonymous: whoever reaches :::7860"),
    (
        "{bandwidth: {max_kbps: 500}, uplink: full}",
        "bandwidth.max_kbps: 500 are fewer than the 758 that these cameras usually send, of which cameras.door",
    ),
    ("{bandwidth: {max_kbps: 700}, cameras: {a: 'sim:', b: 'sim:', c: 'sim:'}, uplink: sampled}", "bandwidth.max_kbps"),
    ("{bandwidth: {max_kbps: 50}, uplink: differential}", "bandwidth.max_kbps"),
    ("{bandwidth: {max_kbps: 10}}", "bandwidth.max_kbps"),
    ("remote: {url: 'https://h', model: m}", "remote: nobody asks it while model_params.model is yolox-nano"),
    (REMOTE.replace("https", "http"), "remote.url: pictures of your cameras cross the network to models.example.com"),
    (
        REMOTE.replace("MODEL_KEY", "NOT_SET_HERE"),
        "remote.api_key: NOT_SET_HERE is not set in this environment; inference",
    ),
    ("max_streams: 1", "max_streams: all 1 are taken"),
    ("stream_params: {roi: [0, 0, 1, 1]}", "stream_params.roi: [0, 0, 1, 1] is the whole frame"),
    ("cameras: {door: {source: 'sim:', roi: [0, 0, 1, 1]}}", "cameras.door.roi: [0, 0, 1, 1] is the whole frame"),
    ("cameras: {door: 'rtsp://h/s?pwd=x'}", "cameras.door.source: its query seems to hold a secret"),
    (
        "cameras: {door: {source: 'rtsp://h/s', substream: 'rtsp://h/t?pwd=x'}}",
        "cameras.door.substream: its query seems to hold a secret",
    ),
    (
        "cameras: {door: {source: 'rtsp://h', secret: 'env:NOT_SET_HERE'}}",
        "cameras.door.secret: NOT_SET_HERE is not set",
    ),
    ("cameras: {door: {source: 'rtsp://h', secret: 'file:/none'}}", "cameras.door.secret: /none cannot be read here"),
    ("cameras: {door: {source: 'sim:', max_frames: 2}}", "cameras.door.max_frames: 2 a second are too few"),
    ("cameras: {door: {source: 'sim:', skip_frames: 3}}", "cameras.door.skip_frames: falls need 5 frames a second"),
    (
        f"cameras: {{door: {{source: 'sim:', tasks: [person_detection], {ZONE}}}}}",
        "cameras.door.zones: they say nothing",
    ),
    (f"cameras: {{door: {{source: 'sim:', roi: [0, 0, 1, 0.5], {ZONE}}}}}", "cameras.door.zones.gate: part of it lies"),
    (
        "cameras: {door: {source: 'sim:', roi: [0, 0, 1, 0.5], regions: {sky: {box: [0, 0.4, 1, 1]}}}}",
        "cameras.door.regions.sky: part of it lies",
    ),
    (
        "cameras: {door: {source: 'sim:', masks: {shop: [0, 0, 1, 1]}, recording: {enabled: true}}}",
        "cameras.door.recording: packets know no masks, so it is not recorded",
    ),
    (
        "cameras: {door: {source: 'sim:', masks: {shop: [0, 0, 1, 1]}, recording: {unmasked: true}}}",
        "cameras.door.recording.unmasked: what its masks hide lies on the disk",
    ),
]
UNSUSPICIOUS = [
    "",
    "{bandwidth: {max_kbps: 500}, cameras: {a: 'sim:', b: 'sim:', c: 'sim:'}}",
    "{bandwidth: {max_kbps: 500}, uplink: sampled}",
    "{bandwidth: {max_kbps: 100}, uplink: differential}",
    "{bandwidth: {max_kbps: 500}, uplink: full, cameras: {a: {source: 'sim:', resolution: 480p}}}",
    "api: {host: '::1'}",
    "central: {bootstrap: 'localhost:9092'}",
    "central: {bootstrap: '127.0.0.1:9092,[::1]:9092'}",
    "central: {bootstrap: 'kafka.example.com:9092', security: {protocol: SSL}}",
    f"cameras: {{door: {{source: 'sim:', {ZONE}}}}}",
    "cameras: {door: {source: 'sim:', roi: [0, 0, 1, 0.8]}}",
    "cameras: {door: {source: 'sim:', tasks: [person_detection], max_frames: 1}}",
    "cameras: {door: {source: 'sim:', masks: {shop: [0, 0, 0.5, 1]}, regions: {till: {box: [0, 0, 1, 0.5]}}}}",
    "cameras: {door: {source: 'sim:', roi: [0, 0, 1, 0.5], regions: {till: {box: [0, 0, 1, 0.5]}}}}",
]


def warned(more: str) -> list[str]:
    return list(warnings_of(settings_from({**yaml.safe_load(GOOD), **(yaml.safe_load(more) or {})})))


@pytest.mark.parametrize(("more", "says"), DOUBTFUL)
def test_what_will_hardly_be_meant_is_named(more: str, says: str) -> None:
    assert [line for line in warned(more) if line.startswith(says)]


def test_cap_of_a_site_that_sends_nothing_up_is_not_warned_of() -> None:
    (line,) = warned("{central: null, bandwidth: {max_kbps: 10}}")

    assert line.startswith("central: none is set")


@pytest.mark.parametrize("more", UNSUSPICIOUS)
def test_what_may_be_meant_is_passed(more: str) -> None:
    assert warned(more) == []


def test_secret_that_others_can_read_is_named(tmp_path: Path) -> None:
    secret = tmp_path / "door"
    secret.write_text("user:password")
    camera = f"cameras: {{door: {{source: 'rtsp://h', secret: 'file:{secret}'}}}}"

    secret.chmod(0o644)
    open_to_all = warned(camera)
    secret.chmod(0o600)

    assert [line for line in open_to_all if "can be read by others" in line]
    assert warned(camera) == []
