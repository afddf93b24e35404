"""The JSON schema of config.yaml for editors: it takes what loading takes, and refuses what a schema can tell."""

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.unit.test_settings import DOG, MALFORMED, SAME_TIMES
from watchpost.settings import config_schema, settings_from

ROOT = Path(__file__).parents[2]
PUBLISHED = """
model_params: {precision: int4, max_frames: 10, skip_frames: 3}
stream_params: {resolution: 720p, roi: [0, 0, 1, 0.8]}
bandwidth: {max_kbps: 500, compression: jpeg}
max_streams: 4
"""
SHORT_AND_LONG = [
    "site: shop-12",
    "site: {name: shop-12, timezone: Europe/Berlin}",
    "cameras: {door: 'rtsp://10.0.0.5/live', yard: /dev/video0, street: 'sim:street?seed=1'}",
    "cameras: {door: {source: 'rtsp://user@10.0.0.5/live', secret: 'file:/run/secrets/door'}}",
    "stream_params: {resolution: 720}",
    "cameras: {door: {source: 'sim:', resolution: 1080p, roi: [0, 0, 1, 1]}}",
    "api: {anonymous: off}",
    "api: {anonymous: analyze}",
    "model_params: {device: 'cuda:0', precision: null}",
    "central: null",
    f"tasks: [{DOG}]\ncameras: {{door: {{source: 'sim:', tasks: [person_detection, dog_loose]}}}}",
    f"cameras: {{door: {{source: 'sim:', tasks: [{DOG[:-1]}, threshold: 0.7}}]}}}}",
    "cameras: {door: {source: 'sim:', zones: {gate: {kind: crowd, polygon: [[0, 0], [1, 0], [1, 1]]}}}}",
    "cameras: {door: {source: 'sim:', masks: {a: [0, 0, 1, 1], b: [[0, 0], [1, 0], [1, 1]]}}}",
    "cameras: {door: {source: 'sim:', regions: {till: {box: [0, 0, 1, 1], resolution: 480p}}, uplink: differential}}",
    "cameras: {door: {source: 'sim:', substream: 'rtsp://h/sub', decoder: cuda, recording: {unmasked: true}}}",
    "recordings: {enabled: true, path: /data, keep_hours: 48, clips: {keep_days: 7, before_s: 5, after_s: 5}}",
    "bandwidth: {max_kbps: 500, schedule: [{from: 22:00, to: '06:00', max_kbps: 8000}]}",
    "bandwidth: {schedule: [{from: '1:30', to: 2:30, max_kbps: null}]}",
    "central: {bootstrap: 'c:9092', clips: {upload: 's3://clips/shop'}}",
]
# what only loading the file tells
BEYOND_A_SCHEMA = {
    "site: {name: shop, timezone: Berlin}",
    "max_streams: 1\ncameras: {a: 'sim:street', b: 'sim:street'}",
    "stream_params: {roi: [0.8, 0, 0.2, 1]}",
    "stream_params: {roi: [0, 0.9, 1, 0.1]}",
    "model_params: {max_frames: .nan}",
    "kafka: {security: {protocol: SASL_SSL}}",
    "cameras: {door: {source: 'sim:street', tasks: [count_cats]}}",
    f"tasks: [{DOG}]\ncameras: {{door: {{source: 'sim:', tasks: [dog]}}}}",
    f"tasks: [{DOG}, {DOG}]",
    f"tasks: [{DOG}]\ncameras: {{door: {{source: 'sim:', tasks: [{{name: dog_loose, question: 'A cat?'}}]}}}}",
    "events: {answers_needed: 6}",
    f"tasks: [{{name: dog, question: '{'狗' * 134}'}}]",
    "cameras: {door: {source: 'sim:street', uplink: sampled, bandwidth_saving: false}}",
    "cameras: {door: {source: 'sim:street', uplink: full, bandwidth_saving: true}}",
    "cameras: {door: {source: 'sim:street', regions: {till: {box: [0.5, 0, 0.2, 1]}}}}",
    SAME_TIMES,
    "kafka: {security: {password: 'env:A', password_file: /b}}",
    "kafka: {security: {certificate_file: /c}}",
    "recordings: {keep_hours: 0.001, clips: {before_s: 10}}",
}
SCHEMA = config_schema()


def is_taken(content: Any) -> bool:
    return jsonschema.Draft202012Validator(SCHEMA).is_valid(content)


def examples() -> list[tuple[str, str]]:
    """Every configuration that the repository shows: files named so, and YAML blocks of its pages that begin so."""
    files = [path for name in ("deploy", "examples", "docs") for path in (ROOT / name).rglob("config*.yaml")]
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    blocks = [
        (f"{page.name}-{number}", block)
        for page in pages
        for number, block in enumerate(re.findall(r"```yaml\n(# config\.yaml\n.*?)```", page.read_text(), re.DOTALL))
    ]
    return [*((str(path.relative_to(ROOT)), path.read_text()) for path in files), *blocks]


EXAMPLES = examples()


def test_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_repository_shows_configurations() -> None:
    assert {name for name, _ in EXAMPLES} >= {"README.md-0"}


@pytest.mark.parametrize("text", [text for _, text in EXAMPLES], ids=[name for name, _ in EXAMPLES])
def test_example_of_the_repository_is_taken_and_loads(text: str) -> None:
    content = yaml.safe_load(text)

    jsonschema.validate(content, SCHEMA, jsonschema.Draft202012Validator)
    settings_from(content)


@pytest.mark.parametrize("text", [PUBLISHED, *SHORT_AND_LONG])
def test_sound_form_is_taken_and_loads(text: str) -> None:
    content = yaml.safe_load(text)

    jsonschema.validate(content, SCHEMA, jsonschema.Draft202012Validator)
    settings_from(content)


@pytest.mark.parametrize("text", [text for text, _, _ in MALFORMED])
def test_malformed_setting_is_refused_where_a_schema_can_tell(text: str) -> None:
    assert is_taken(yaml.safe_load(text)) == (text in BEYOND_A_SCHEMA)
