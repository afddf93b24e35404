"""A site's YAML file: what is sound is taken as meant, what is not gets an error that names the key and the remedy."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchpost.contracts.camera_parts import KeyRegion, Mask, Recording, UplinkMode
from watchpost.contracts.records import SpecOrigin, Zone, ZoneKind
from watchpost.errors import ConfigError
from watchpost.settings import SiteIdentity, SiteSettings, load_settings
from watchpost.vision.geometry import FractionBox, FractionPoint

DOG = "{name: dog_loose, question: 'Is a dog without a leash in the picture?'}"
MANY = ", ".join(f"{{name: t{number}, question: Dog}}" for number in range(17))
# the file, the key that the error must name, and what it must say
SAME_TIMES = "bandwidth: {schedule: [{from: '6:00', to: 6:00, max_kbps: 1}]}"
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
    (f"tasks: [{{name: dog, question: '{'狗' * 134}'}}]", "tasks.0.question", "write at most 400, which are 300 Latin"),
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
    (
        "cameras: {door: {source: 'sim:street', uplink: sampled, bandwidth_saving: false}}",
        "cameras.door",
        "bandwidth_saving: false and uplink: sampled contradict each other",
    ),
    (
        "cameras: {door: {source: 'sim:street', uplink: full, bandwidth_saving: true}}",
        "cameras.door",
        "leave bandwidth_saving out",
    ),
    ("uplink: everything", "uplink", "'metadata', 'sampled', 'differential' or 'full'"),
    ("cameras: {door: {source: 'sim:street', substream: 'ftp://h/s'}}", "cameras.door.substream", "write rtsp://"),
    (
        "cameras: {door: {source: 'sim:street', substream: 'rtsp://u:hush@h/s'}}",
        "cameras.door.substream",
        "secret: env:NAME",
    ),
    ("cameras: {door: {source: 'sim:street', decoder: gpu}}", "cameras.door.decoder", "'software', 'cuda', 'vaapi'"),
    (
        "cameras: {door: {source: 'sim:street', regions: {till: {box: [0.5, 0, 0.2, 1]}}}}",
        "cameras.door.regions.till.box",
        "x0 (0.5) is not left of x1 (0.2)",
    ),
    (
        "cameras: {door: {source: 'sim:street', regions: {till: {bux: [0, 0, 1, 1]}}}}",
        "cameras.door.regions.till.bux",
        "did you mean box?",
    ),
    (
        "cameras: {door: {source: 'sim:street', regions: {till: {box: [0, 0, 1, 1], resolution: 500p}}}}",
        "cameras.door.regions.till.resolution",
        "write one of 360p",
    ),
    (
        "cameras: {door: {source: 'sim:street', masks: {shop: [0, 0, 1]}}}",
        "cameras.door.masks.shop",
        "write [x0, y0, x1, y1], or a polygon",
    ),
    (
        "cameras: {door: {source: 'sim:street', masks: {shop: [0, 0, 2, 1]}}}",
        "cameras.door.masks.shop",
        "leaves the frame",
    ),
    (
        "cameras: {door: {source: 'sim:street', masks: {shop: [[0, 0], [1, 0]]}}}",
        "cameras.door.masks.shop",
        "at least three",
    ),
    (
        "cameras: {door: {source: 'sim:street', masks: {shop: [[0, 0], [1, 0], [1, 2]]}}}",
        "cameras.door.masks.shop.2",
        "leaves the frame",
    ),
    (
        "cameras: {door: {source: 'sim:street', masks: {'Shop A': [0, 0, 1, 1]}}}",
        "cameras.door.masks.Shop A",
        "is no name",
    ),
    (
        "cameras: {door: {source: 'sim:street', recording: {unmaskd: true}}}",
        "cameras.door.recording.unmaskd",
        "did you mean unmasked?",
    ),
    ("recordings: {keep_hours: 0}", "recordings.keep_hours", "greater than 0"),
    ("recordings: {max_bytes: 1}", "recordings.max_bytes", "greater than or equal"),
    ("recordings: {keep_hours: 0.001, clips: {before_s: 10}}", "recordings", "raise keep_hours"),
    ("central: {bootstrap: 'c:9092', clips: {upload: bucket}}", "central.clips.upload", "pattern"),
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
    ("bandwidth: {schedule: [{from: 25:00, to: 6:00, max_kbps: 1}]}", "bandwidth.schedule.0.from", "write hh:mm"),
    (SAME_TIMES, "bandwidth.schedule.0", "both 06:00"),
    ("bandwidth: {schedule: [{from: 1:00, to: 6:00}]}", "bandwidth.schedule.0.max_kbps", "is missing"),
    ("bandwidth: {compression: webp}", "bandwidth.compression", "'jpeg'"),
    ("kafka: 9092", "kafka", "dictionary"),
    ("kafka: {embedded: {port: 70000}}", "kafka.embedded.port", "less than or equal to 65535"),
    ("kafka: {embedded: {prt: 1}}", "kafka.embedded.prt", "did you mean port?"),
    ("kafka: {security: {protocol: SASL_SSL}}", "kafka.security", "needs sasl_mechanism"),
    ("kafka: {security: {password: hunter2}}", "kafka.security.password", "never the secret itself"),
    ("kafka: {security: {password: 'env:A', password_file: /b}}", "kafka.security", "keep one"),
    ("kafka: {security: {certificate_file: /c}}", "kafka.security", "go together"),
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


@pytest.mark.parametrize(
    ("site", "camera", "mode"),
    [
        ("", "", UplinkMode.METADATA),
        ("uplink: sampled", "", UplinkMode.SAMPLED),
        ("uplink: sampled", ", uplink: differential", UplinkMode.DIFFERENTIAL),
        ("uplink: sampled", ", bandwidth_saving: false", UplinkMode.FULL),
        ("uplink: sampled", ", bandwidth_saving: true", UplinkMode.SAMPLED),
        ("uplink: full", ", bandwidth_saving: true", UplinkMode.METADATA),
        ("", ", uplink: full", UplinkMode.FULL),
        ("", ", uplink: full, bandwidth_saving: false", UplinkMode.FULL),
    ],
)
def test_camera_sends_up_what_it_or_its_site_says(tmp_path: Path, site: str, camera: str, mode: UplinkMode) -> None:
    text = f"{site}\ncameras: {{door: {{source: 'sim:street'{camera}}}}}"

    asked = load_settings(written(tmp_path, text)).camera_spec("door").assignment

    assert (asked.uplink, asked.uplink_mode) == (mode, mode)
    # older readers know this alone
    assert asked.bandwidth_saving == (mode is not UplinkMode.FULL)


@pytest.mark.parametrize("shape", ["[0, 0.75, 0.5, 1]", "[[0, 0.75], [0.5, 0.75], [0.5, 1], [0, 1]]"])
@pytest.mark.parametrize(("origin", "top", "bottom"), [("bottom-left", 0.25, 0), ("top-left", 0.75, 1)])
def test_mask_as_rectangle_or_polygon_covers_the_same_whatever_its_origin(
    tmp_path: Path, shape: str, origin: str, top: float, bottom: float
) -> None:
    text = f"roi_origin: {origin}\ncameras: {{door: {{source: 'sim:street', masks: {{neighbour: {shape}}}}}}}"

    (mask,) = load_settings(written(tmp_path, text)).camera_spec("door").masks

    corners = tuple(FractionPoint(x, y) for x, y in ((0, top), (0.5, top), (0.5, bottom), (0, bottom)))
    assert mask == Mask("neighbour", corners)


def test_key_region_has_its_own_height_or_its_cameras(tmp_path: Path) -> None:
    regions = "{till: {box: [0, 0, 0.5, 0.25]}, gate: {box: [0, 0, 0.5, 0.25], resolution: 1080p}}"
    text = f"cameras: {{door: {{source: 'sim:street', resolution: 480p, regions: {regions}}}}}"

    spec = load_settings(written(tmp_path, text)).camera_spec("door")

    box = FractionBox(0, 0.75, 0.5, 1)
    assert spec.regions == (KeyRegion("till", box, 480), KeyRegion("gate", box, 1080))


def test_camera_is_recorded_as_it_says_or_else_as_its_site(tmp_path: Path) -> None:
    text = """
        recordings: {enabled: true}
        cameras:
          door: sim:street
          yard: {source: 'sim:street', recording: {enabled: false}}
          roof:
            {source: 'sim:', substream: 'rtsp://h/sub', decoder: vaapi, recording: {audio: true, unmasked: true}}
        """

    settings = load_settings(written(tmp_path, text))
    door, yard, roof = (settings.camera_spec(name) for name in ("door", "yard", "roof"))

    assert (door.recording, yard.recording.enabled) == (Recording(enabled=True), False)
    assert roof.recording == Recording(enabled=True, audio=True, unmasked=True)
    assert (roof.substream, roof.decoder, door.substream, door.decoder) == ("rtsp://h/sub", "vaapi", None, "software")


def test_recordings_lie_in_the_state_unless_a_folder_is_named(tmp_path: Path) -> None:
    here, there = (load_settings(written(tmp_path, text)) for text in ("", "recordings: {path: /data/video}"))

    assert here.recordings.folder(here.state_dir) == Path("var/recordings")
    assert there.recordings.folder(there.state_dir) == Path("/data/video")


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
