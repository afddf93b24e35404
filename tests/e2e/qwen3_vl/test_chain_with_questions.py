"""A tiny Qwen3-VL in the whole chain, on a CPU: a camera is asked in words, the answers reach the centre's events."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.site import SiteUnderTest
from tests.fakes.tiny_qwen import write_tiny_qwen
from tests.waiting import wait_for
from watchpost.contracts import TopicName, decode
from watchpost.contracts.records import EventType, FrameAnalyzed, FrameCaptured
from watchpost.models import digest_of_directory
from watchpost.site.delivery import read_topic
from watchpost.stream import value_of

pytestmark = [pytest.mark.e2e, pytest.mark.kafka, pytest.mark.timeout(280)]

TASK = {"name": "dog_loose", "question": "Is a dog without a leash in the picture?"}
CAMERA = {
    "source": "sim:street?seed=7&people=4&fps=10&size=640x360",
    "max_frames": 4,
    "tasks": ["person_detection", "abnormal_behavior", "dog_loose"],
}


@pytest.fixture
def bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Models beside the detector's own folder, as an image carries them."""
    directory = tmp_path / "bundled" / "qwen3-vl-4b"
    write_tiny_qwen(directory)
    monkeypatch.setenv("WATCHPOST_BUNDLED_MODELS", str(directory.parent))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return directory


@pytest.fixture
def site(tmp_path: Path, models_dir: Path, bundled: Path) -> Iterator[SiteUnderTest]:
    assert models_dir.is_dir()
    assert bundled.is_dir()
    more = {
        "cameras": {"street": CAMERA, "yard": CAMERA | {"tasks": ["person_detection"]}},
        "tasks": [TASK],
        "model_params": {"model": "qwen3-vl-4b-int8", "device": "cpu"},
        "inference": {"batch": 4},
    }
    with SiteUnderTest(tmp_path, {}, more) as running:
        yield running


def answered(site: SiteUnderTest) -> list[FrameAnalyzed]:
    return [seen for seen in site.observations() if seen.skipped is None]


def captured(site: SiteUnderTest) -> set[str]:
    frames = read_topic(site.site, TopicName.FRAMES, lambda message: decode(value_of(message) or b"", FrameCaptured))
    return {frame.frame_id for frame in frames}


def test_worker_killed_while_it_answers_leaves_no_frame_without_a_word(site: SiteUnderTest, bundled: Path) -> None:
    wait_for(lambda: answered(site), lambda seen: len(seen) >= 10, within_s=120)
    before = len(answered(site))
    site.supervisor.kill("inference")
    wait_for(lambda: answered(site), lambda seen: len(seen) >= before + 10, within_s=90)
    site.drain(within_s=90)

    # every frame that was captured is answered, or counted as skipped
    assert captured(site) == {seen.frame_id for seen in site.observations()}
    by_camera = {camera: [seen for seen in answered(site) if seen.camera == camera] for camera in ("street", "yard")}
    for seen in by_camera["street"]:
        assert [answer.task for answer in seen.answers] == ["person_detection", "dog_loose"]
    for seen in by_camera["yard"]:
        assert [answer.task for answer in seen.answers] == ["person_detection"]
    # what an answer is to be traced to: the model, what really ran, and the questions
    street, yard = by_camera["street"][0].provenance, by_camera["yard"][0].provenance
    assert (street.model, street.precision) == ("qwen3-vl-4b", "fp32")
    assert street.model_digest.startswith(digest_of_directory(bundled))
    assert street.prompt_digest != yard.prompt_digest
    # random weights say other words than the answers: then the detector's count stands
    assert all(0 <= answer.probability <= 1 for seen in answered(site) for answer in seen.answers)
    site.wait_for_central(lambda events: {event.camera for event in events} >= {"street", "yard"})
    counts = [event for event in site.central_events() if event.type == EventType.PERSON_COUNT]
    assert any((count.person_count or 0) > 0 for count in counts)
    assert site.delivery().lost == 0
