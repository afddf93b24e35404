"""What `watchpost config check` says: every value in force with where it comes from, and what it means in pixels."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchpost.contracts.records import SourceSize
from watchpost.errors import ConfigError
from watchpost.settings import leaves, load_settings
from watchpost.site.config_report import ConfigReport, Origin, PixelArea, parse_size, report_config
from watchpost.site.config_text import as_plain, as_text

PUBLISHED = """
site: shop-12
model_params: {precision: int4, max_frames: 10, skip_frames: 3}
stream_params: {resolution: 720p, roi: [0, 0, 1, 0.8]}
bandwidth: {max_kbps: 500, compression: jpeg}
max_streams: 4
cameras:
  door: rtsp://10.0.0.5/live
"""


def reported(folder: Path, text: str, size: SourceSize | None = None) -> ConfigReport:
    path = folder / "config.yaml"
    path.write_text(text)
    return report_config(path, size)


def origins(report: ConfigReport) -> dict[str, Origin]:
    return {setting.path: setting.origin for setting in report.settings}


def value_of(report: ConfigReport, camera: int, path: str) -> tuple[Any, Origin]:
    (found,) = (setting for setting in report.cameras[camera].settings if setting.path == path)
    return found.value, found.origin


def test_published_roi_keeps_the_lower_part_of_the_picture(tmp_path: Path) -> None:
    (door,) = reported(tmp_path, PUBLISHED).cameras

    assert (door.size, door.size_is_known) == (SourceSize(1920, 1080), False)
    assert door.kept == PixelArea(x=0, y=216, width=1920, height=864)
    assert door.analysed == SourceSize(1600, 720)


def test_origin_at_the_top_keeps_the_upper_part(tmp_path: Path) -> None:
    (door,) = reported(tmp_path, f"{PUBLISHED}\nroi_origin: top-left").cameras

    assert door.kept == PixelArea(x=0, y=0, width=1920, height=864)


def test_size_that_is_given_is_what_counts(tmp_path: Path) -> None:
    (door,) = reported(tmp_path, PUBLISHED, parse_size("640x480")).cameras

    assert door.size_is_known
    assert door.kept == PixelArea(x=0, y=96, width=640, height=384)
    assert door.analysed == SourceSize(640, 384)  # nothing is scaled up


def test_size_of_a_simulated_camera_is_known(tmp_path: Path) -> None:
    (street,) = reported(tmp_path, "cameras: {street: 'sim:street?size=320x180'}", parse_size("640x480")).cameras

    assert (street.size, street.size_is_known) == (SourceSize(320, 180), True)


def test_simulated_camera_with_a_typing_error_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^cameras\.street\.source: .*fals"):
        reported(tmp_path, "cameras: {street: 'sim:street?fals=3'}")


@pytest.mark.parametrize("text", ["1920", "1920x", "0x0", "1x1", "99999x99999", "-2x2", "axb", ""])
def test_size_that_is_none_is_told(text: str) -> None:
    with pytest.raises(ConfigError, match="write one such as 1920x1080"):
        parse_size(text)


@given(st.tuples(st.integers(2, 500), st.integers(2, 500)), st.tuples(*[st.floats(0, 1)] * 4))
def test_rectangle_lies_in_the_picture_whatever_its_size(
    tmp_path_factory: pytest.TempPathFactory, size: tuple[int, int], edges: tuple[float, float, float, float]
) -> None:
    (x0, x1), (y0, y1) = sorted(edges[:2]), sorted(edges[2:])
    if x0 == x1 or y0 == y1:
        return
    text = f"cameras: {{door: {{source: 'rtsp://h/s', roi: [{x0:f}, {y0:f}, {x1 + 1e-6:f}, {y1 + 1e-6:f}]}}}}"
    path = tmp_path_factory.getbasetemp() / "roi.yaml"
    path.write_text(text)
    try:
        load_settings(path)
    except ConfigError:
        return  # rounding made its edges meet, or left the frame

    (door,) = report_config(path, SourceSize(*size)).cameras

    kept = door.kept
    assert 0 <= kept.x < kept.x + kept.width <= size[0]
    assert 0 <= kept.y < kept.y + kept.height <= size[1]


def test_zone_is_told_in_pixels_from_the_top_left(tmp_path: Path) -> None:
    zone = "{kind: crowd, polygon: [[0, 0], [0.5, 0], [0.5, 1]]}"
    (door,) = reported(tmp_path, f"cameras: {{door: {{source: 'rtsp://h/s', zones: {{gate: {zone}}}}}}}").cameras

    (gate,) = door.zones
    assert gate.corners == ((0, 1080), (960, 1080), (960, 0))
    assert (gate.kind, gate.people, gate.after_s) == ("crowd", 5, 2.0)


def test_key_region_and_mask_are_told_in_pixels_from_the_top_left(tmp_path: Path) -> None:
    regions = "{till: {box: [0.5, 0.5, 1, 1], resolution: 360p}}"
    door = f"{{source: 'rtsp://h/s', regions: {regions}, masks: {{shop: [0, 0, 0.25, 0.5]}}}}"

    report = reported(tmp_path, f"cameras: {{door: {door}}}")

    (region,), (mask,) = report.cameras[0].regions, report.cameras[0].masks
    assert (region.part, region.analysed) == (PixelArea(x=960, y=0, width=960, height=540), SourceSize(640, 360))
    assert mask.corners == ((0, 1080), (480, 1080), (480, 540), (0, 540))
    text = list(as_text(report, Path("config.yaml")))
    assert "    region till: x 960 to 1920, y 0 to 540, analysed at 640x360 too" in text
    assert "    mask shop: nobody sees what lies within (0, 1080) (480, 1080) (480, 540) (0, 540)" in text


@pytest.mark.parametrize(
    ("camera", "recorded"),
    [("", "yes"), (", masks: {shop: [0, 0, 1, 0.5]}", "no"), (", recording: {enabled: false}", "no")],
)
def test_whether_a_camera_is_recorded_is_told(tmp_path: Path, camera: str, recorded: str) -> None:
    text = f"recordings: {{enabled: true}}\ncameras: {{door: {{source: 'rtsp://h/s'{camera}}}}}"

    report = reported(tmp_path, text)

    assert f"  recorded: {recorded}" in list(as_text(report, Path("config.yaml")))
    if not camera:
        assert value_of(report, 0, "recording.enabled") == (True, Origin.SITE)


def test_every_value_in_force_is_told_with_its_origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHPOST_KAFKA__BOOTSTRAP", "kafka:9092")

    report = reported(tmp_path, PUBLISHED)

    found = origins(report)
    every = {path for path in leaves(load_settings(tmp_path / "config.yaml")) if not path.startswith("cameras.")}
    assert found.keys() == every
    assert found["site.name"] is Origin.FILE
    assert found["site.timezone"] is Origin.DEFAULT
    assert found["bandwidth.max_kbps"] is Origin.FILE
    assert found["events.cool_down_s"] is Origin.DEFAULT
    assert found["kafka.bootstrap"] is Origin.ENVIRONMENT


def test_camera_says_what_it_takes_from_the_site(tmp_path: Path) -> None:
    report = reported(tmp_path, f"{PUBLISHED}  yard: {{source: 'rtsp://h/s', skip_frames: 0}}\n")

    assert value_of(report, 0, "skip_frames") == (3, Origin.SITE)
    assert value_of(report, 1, "skip_frames") == (0, Origin.FILE)
    assert value_of(report, 0, "source") == ("rtsp://10.0.0.5/live", Origin.FILE)
    assert value_of(report, 0, "thumbnail_interval_s") == (10, Origin.DEFAULT)


@pytest.mark.parametrize(
    ("camera", "origin"), [("bandwidth_saving: false", Origin.FILE), ("uplink: full", Origin.FILE), ("", Origin.SITE)]
)
def test_uplink_in_force_is_told_whichever_word_says_it(tmp_path: Path, camera: str, origin: Origin) -> None:
    report = reported(tmp_path, f"uplink: full\ncameras: {{door: {{source: 'rtsp://h/s', {camera}}}}}")

    assert value_of(report, 0, "uplink") == ("full", origin)


def test_published_precision_is_no_error_and_what_is_in_force_is_told(tmp_path: Path) -> None:
    report = reported(tmp_path, f"{PUBLISHED}\n")

    assert (report.model.name, report.model.precision, report.model.device) == ("yolox-nano", "fp32", "cpu")
    text = "\n".join(as_text(report, Path("config.yaml")))
    assert "yolox-nano in fp32 on cpu (yolox-nano comes in fp32 alone, so int4 is not in force)" in text


def test_model_that_nothing_runs_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"model_params\.model: .*bitsandbytes leaves at 16 bits"):
        reported(tmp_path, "model_params: {model: qwen3-vl-30b/int4}")


def test_larger_model_is_told_with_its_precision(tmp_path: Path) -> None:
    report = reported(tmp_path, "model_params: {model: qwen3-vl-8b/int4, device: 'cuda:1'}")

    assert (report.model.name, report.model.precision, report.model.device) == ("qwen3-vl-8b", "int4", "cuda:1")


def test_nothing_secret_is_shown(tmp_path: Path) -> None:
    tokens = f"api: {{tokens: [{{name: a, role: viewer, sha256: {'a1' * 32}}}]}}"
    cameras = "cameras: {door: 'rtsp://h/s?user=a&password=hunter2', yard: 'rtsp://someone@h/s'}"

    report = reported(tmp_path, f"{tokens}\n{cameras}\n")

    said = f"{as_plain(report)} {list(as_text(report, tmp_path))}"
    assert not any(secret in said for secret in ("hunter2", "a1a1", "someone"))


def test_text_names_values_pixels_and_warnings(tmp_path: Path) -> None:
    text = list(as_text(reported(tmp_path, PUBLISHED), Path("config.yaml")))

    assert text[0] == "config.yaml is sound. In force:"
    assert any(line.split() == ["events.cool_down_s", "30", "default"] for line in text)
    assert any(line.split() == ["bandwidth.max_kbps", "500"] for line in text)
    assert "    x 0 to 1920, y 216 to 1080 from the top left are kept," in text
    assert any(line.startswith("  central: none is set") for line in text)


def test_plain_form_holds_the_same(tmp_path: Path) -> None:
    plain = as_plain(reported(tmp_path, PUBLISHED))

    assert plain["settings"]["bandwidth.max_kbps"] == {"value": 500.0, "origin": "file"}
    assert plain["cameras"]["door"]["kept"] == {"x": 0, "y": 216, "width": 1920, "height": 864}
    assert plain["config_versions"].keys() == {"ingest", "inference", "events", "api"}
    assert plain["warnings"]
