"""A site's YAML file: what is sound is taken as meant, what is not gets an error that names the key and the remedy."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchpost.contracts.records import SpecOrigin, Zone, ZoneKind
from watchpost.errors import ConfigError
from watchpost.settings import SiteIdentity, SiteSettings, load_settings
from watchpost.vision.geometry import FractionBox, FractionPoint

DOG = "{name: dog_loose, question: 'Is a dog without a leash in the picture?'}"
MANY = ", ".join(f"{{name: t{number}, question: Dog}}" for number in range(17))
# the file, the key that the error must name, and what it must say
MALFORMED = [
    ("sites: shop", "sites", "did you mean site?"),
    ("site: Shop 12", "site.name", "use 1 to 63 of a-z"),
    ("site: 3", "site.name", "valid string"),
    ("site: ''", "site.name", "is no name"),
    ("site: {name: shop, timezone: Berlin}", "site.timezone", "write one such as"),
    ("site: {nam: shop}", "site.nam", "did you mean name?"),
    ("api: {anonymous: all}", "api.anonymous", "'none' or 'analyze'"),
    ("api: {tokens: [{name: a, role: boss, sha256: ''}]}", "api.tokens.0.role", "'viewer', 'operator' or 'admin'"),
    ("cameras: {door: {source: 'sim:street', tasks: [count_cats]}}", "cameras.door.tasks.0", "known ones are person_"),
    ("cameras: {door: {source: 'sim:street', tasks: []}}", "cameras.door.tasks", "at least 1"),
    ("cameras: {door: {source: 'sim:street', tasks: [3]}}", "cameras.door.tasks.0", "write a task's name, or {name, q"),
    (f"tasks: [{DOG}]\ncameras: {{door: {{source: 'sim:', tasks: [dog]}}}}", "cameras.door.tasks.0", ", dog_loose;"),
    (f"tasks: [{DOG}, {DOG}]", "tasks.1.name", "give each task a name of its own"),
    (
        f"tasks: [{DOG}]\ncameras: {{door: {{source: 'sim:', tasks: [{{name: dog_loose, question: 'A cat?'}}]}}}}",
        "cameras.door.tasks.0",
        "write dog_loose alone to ask that, or choose another name",
    ),
    (
        "cameras: {door: {source: 'sim:', tasks: [{name: dog, question: 'A dog?', treshold: 0.3}]}}",
        "cameras.door.tasks.0.treshold",
        "did you mean threshold?",
    ),
    (
        f"cameras: {{door: {{source: 'sim:', tasks: [{MANY}]}}}}",
        "cameras.door.tasks",
        "at most 16",
    ),
    ("tasks: dog_loose", "tasks", "valid"),
    ("tasks: [{name: dog_loose}]", "tasks.0.question", "is missing; add question"),
    ("tasks: [{name: Dog, question: 'A dog?'}]", "tasks.0.name", "use 1 to 63 of a-z, 0-9 and _"),
    ("tasks: [{name: dog-loose, question: 'A dog?'}]", "tasks.0.name", "use 1 to 63 of a-z, 0-9 and _"),
    ("tasks: [{name: crowd, question: 'A crowd?'}]", "tasks.0.name", "choose another name"),
    ("tasks: [{name: person_detection, question: 'Who?'}]", "tasks.0.name", "choose another name"),
    ("tasks: [{name: dog, question: 'A?'}]", "tasks.0.question", "one line of 3 to 300 characters"),
    ('tasks: [{name: dog, question: "A dog?\\nA cat?"}]', "tasks.0.question", "one line of 3 to 300 characters"),
    ("tasks: [{name: dog, question: 'A dog?<|im_end|>'}]", "tasks.0.question", "without <|"),
    (f"tasks: [{{name: dog, question: '{'x' * 301}'}}]", "tasks.0.question", "one line of 3 to 300 characters"),
    ("tasks: [{name: dog, question: 'A dog?', threshold: 1}]", "tasks.0.threshold", "less than 1"),
    ("tasks: [{name: dog, question: 'A dog?', threshold: 0}]", "tasks.0.threshold", "greater than 0"),
    ("events: {answers_needed: 6}", "events", "raise answers_of"),
    (
        "cameras: {door: {source: 'sim:street', zones: {gate: {kind: intrusion, polygon: [[0, 0], [1, 0]]}}}}",
        "cameras.door.zones.gate.polygon",
        "at least three",
    ),
    (
        "cameras: {door: {source: 'sim:street', zones: {gate: {kind: exit, polygon: [[0, 0], [1, 0], [1, 1]]}}}}",
        "cameras.door.zones.gate.kind",
        "'intrusion', 'loitering' or 'crowd'",
    ),
    (
        "cameras: {door: {source: 'sim:street', zones: {gate: {kind: crowd, polygon: [[0, 0], [1, 0], [1, 2]]}}}}",
        "cameras.door.zones.gate.polygon.2",
        "leaves the frame",
    ),
    ("cameras: [door]", "cameras", "dictionary"),
    ("cameras: {door: 5}", "cameras.door", "dictionary"),
    ("cameras: {door: {}}", "cameras.door.source", "is missing; add source"),
    ("cameras: {door: {sorce: 'rtsp://h/s'}}", "cameras.door.sorce", "did you mean source?"),
    ("cameras: {door: 'ftp://h/s'}", "cameras.door.source", "write rtsp://"),
    ("cameras: {door: ''}", "cameras.door.source", "write rtsp://"),
    ("cameras: {door: '/dev/sda'}", "cameras.door.source", "/dev/videoN"),
    ("cameras: {door: 'rtsp://u:secret@h/s'}", "cameras.door.source", "secret: env:NAME"),
    ("cameras: {'Door A': 'sim:street'}", "cameras.Door A", "is no name"),
    ("cameras: {door: {source: 'sim:street', secret: hunter2}}", "cameras.door.secret", "never the password itself"),
    ("cameras: {door: {source: 'sim:street', roi: [0, 0, 1]}}", "cameras.door.roi.3", "is missing"),
    ("cameras: {door: {source: 'sim:street', roi: [0, 0, 1, 2]}}", "cameras.door.roi", "leaves the frame"),
    ("cameras: {door: {source: 'sim:street', max_frames: 0}}", "cameras.door.max_frames", "greater than 0"),
    ("cameras: {door: {source: 'sim:street', skip_frames: -1}}", "cameras.door.skip_frames", "greater than or equal"),
    (
        "cameras: {door: {source: 'sim:street', thumbnail_interval_s: 0}}",
        "cameras.door.thumbnail_interval_s",
        "greater",
    ),
    ("max_streams: 0", "max_streams", "greater than or equal to 1"),
    ("max_streams: many", "max_streams", "valid integer"),
    ("max_streams: 1\ncameras: {a: 'sim:street', b: 'sim:street'}", "cameras", "raise max_streams"),
    ("roi_origin: middle", "roi_origin", "'bottom-left' or 'top-left'"),
    ("stream_params: {roi: [0.8, 0, 0.2, 1]}", "stream_params.roi", "x0 (0.8) is not left of x1 (0.2)"),
    ("stream_params: {roi: [0, 0.9, 1, 0.1]}", "stream_params.roi", "y0 (0.9) is not before y1 (0.1)"),
    ("stream_params: {resolution: 700p}", "stream_params.resolution", "write one of 360p"),
    ("stream_params: {resolution: 10}", "stream_params.resolution", "greater than or equal to 90"),
    ("model_params: {precision: fp8}", "model_params.precision", "'int4', 'int8', 'fp16' or 'fp32'"),
    ("model_params: {max_frame: 3}", "model_params.max_frame", "did you mean max_frames?"),
    ("model_params: {max_frames: .nan}", "model_params.max_frames", ""),
    ("bandwidth: {max_kbps: -5}", "bandwidth.max_kbps", "greater than 0"),
    ("bandwidth: {compression: webp}", "bandwidth.compression", "'jpeg'"),
    ("kafka: 9092", "kafka", "dictionary"),
    ("kafka: {embedded: {port: 70000}}", "kafka.embedded.port", "less than or equal to 65535"),
    ("kafka: {embedded: {prt: 1}}", "kafka.embedded.prt", "did you mean port?"),
    ("kafka: {security: {protocol: SASL_SSL}}", "kafka.security", "needs sasl_mechanism"),
    ("central: {}", "central.bootstrap", "is missing"),
    ("central: {bootstrap: 'c:9092', password: x}", "central.password", "known here: bootstrap, "),
    ("frames: {codec: webp}", "frames.codec", "'i420' or 'jpeg'"),
    ("frames: {max_bytes: 1}", "frames.max_bytes", "greater than or equal to"),
    ("ingest: {offline_after_s: 60}", "ingest.offline_after_s", "less than or equal to 20"),
    ("events: {thumbnail_quality: 100}", "events.thumbnail_quality", "less than or equal to 95"),
    ("bridge: {transaction_max_ms: 60000}", "bridge.transaction_max_ms", "less than or equal to 2000"),
    ("telemetry: {ports: {ingest: -1}}", "telemetry.ports.ingest", "greater than or equal to 0"),
]
MALFORMED_FILES = [
    (b"- a\n- b\n", "holds no keys"),
    (b"a: [", "is no YAML"),
    (b"\xff\xfe\x00", "is no YAML"),
    (b"site: a\n\tb: c\n", "is no YAML"),
    (b"1: 2\n", "holds no keys"),
    (b"just words", "holds no keys"),
]


def written(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(("text", "key", "says"), MALFORMED)
def test_malformed_setting_is_named_with_its_remedy(tmp_path: Path, text: str, key: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(written(tmp_path, text))

    assert caught.value.key == key
    assert says in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize(("content", "says"), MALFORMED_FILES)
def test_file_that_is_no_settings_file_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(content)

    with pytest.raises(ConfigError, match=says) as caught:
        load_settings(path)

    assert caught.value.key == str(path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_settings(tmp_path / "none.yaml")


def test_password_in_an_address_does_not_reach_the_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(written(tmp_path, "cameras: {door: 'rtsp://user:hunter2@host/live'}"))

    assert "hunter2" not in str(caught.value)


def test_empty_file_gives_every_default(tmp_path: Path) -> None:
    assert load_settings(written(tmp_path, "")) == SiteSettings()


def test_published_keys_mean_what_is_published(tmp_path: Path) -> None:
    settings = load_settings(
        written(
            tmp_path,
            """
            site: shop-12
            model_params: {precision: int4, max_frames: 10, skip_frames: 3}
            stream_params: {resolution: 720p, roi: [0, 0, 1, 0.8]}
            bandwidth: {max_kbps: 500, compression: jpeg}
            max_streams: 4
            cameras: {door: 'rtsp://10.0.0.5/live'}
            """,
        )
    )

    spec = settings.camera_spec("door")

    assert (spec.max_frames, spec.skip_frames, spec.height_px) == (10, 3, 720)
    # from the bottom-left corner: the lower 80 % is kept, the sky is cut
    assert spec.roi is not None
    assert spec.roi.y0 == pytest.approx(0.2)
    assert spec.roi.y1 == 1
    assert spec.origin is SpecOrigin.CONFIG


def test_camera_overrides_the_site(tmp_path: Path) -> None:
    settings = load_settings(
        written(
            tmp_path,
            """
            stream_params: {resolution: 720p}
            model_params: {skip_frames: 3}
            cameras: {door: {source: 'sim:street', resolution: 1080p, skip_frames: 0, max_frames: 2}}
            """,
        )
    )

    spec = settings.camera_spec("door")

    assert (spec.height_px, spec.skip_frames, spec.max_frames) == (1080, 0, 2)


def test_environment_beats_the_file_key_by_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHPOST_KAFKA__BOOTSTRAP", "kafka:9092")

    settings = load_settings(written(tmp_path, "kafka: {replication: 3}"))

    assert (settings.kafka.address, settings.kafka.replication) == ("kafka:9092", 3)


@given(
    st.tuples(*[st.floats(0, 1)] * 4).filter(lambda roi: roi[0] < roi[2] and roi[1] < roi[3]),
    st.sampled_from(["bottom-left", "top-left"]),
)
def test_roi_keeps_its_size_whatever_its_origin(roi: tuple[float, float, float, float], origin: str) -> None:
    camera = {"source": "sim:street", "roi": list(roi)}

    spec = SiteSettings.model_validate({"cameras": {"door": camera}, "roi_origin": origin}).camera_spec("door")

    box = spec.roi or FractionBox(0, 0, 1, 1)
    assert box.width == pytest.approx(roi[2] - roi[0])
    assert box.height == pytest.approx(roi[3] - roi[1])


def test_zone_travels_with_its_origin_at_the_top_left_and_its_kinds_defaults(tmp_path: Path) -> None:
    polygon = "[[0, 0], [0.5, 0], [0.5, 0.25]]"
    zones = f"{{gate: {{kind: crowd, polygon: {polygon}}}}}"
    config = written(tmp_path, f"cameras: {{door: {{source: 'sim:street', zones: {zones}}}}}")

    (zone,) = load_settings(config).camera_spec("door").assignment.zones

    assert zone == Zone(
        "gate", ZoneKind.CROWD, (FractionPoint(0, 1), FractionPoint(0.5, 1), FractionPoint(0.5, 0.75)), 2.0, 5
    )


@pytest.mark.parametrize("text", ["site: shop-12", "site: {name: shop-12}"])
def test_site_may_be_its_name_alone(tmp_path: Path, text: str) -> None:
    assert load_settings(written(tmp_path, text)).site == SiteIdentity(name="shop-12", timezone="UTC")


def test_site_may_be_named_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHPOST_SITE", "shop-12")

    assert load_settings(None).site.name == "shop-12"


def test_anonymous_off_as_yaml_reads_it_means_none(tmp_path: Path) -> None:
    assert load_settings(written(tmp_path, "api: {anonymous: off}")).api.anonymous == "none"
