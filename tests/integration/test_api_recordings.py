"""The api shows recordings and clips to who may see them, in a form that browsers play, and says why there is none."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import sync_playwright

from tests.fakes.api_service import ApiService
from tests.fakes.coded import at_their_time, coded_clip, coded_packets, pictures_of, recorded_spec
from tests.fakes.ring import record, writer_in
from tests.fakes.site_records import event
from tests.fakes.specs import camera_spec
from tests.requirements import require
from tests.waiting import wait_for
from watchpost.api.tokens import Role, new_token
from watchpost.clock import SystemClock
from watchpost.contracts.camera_parts import Mask, Recording
from watchpost.contracts.records import CameraSpec, EventPhase
from watchpost.recordings import Clips, cut_of
from watchpost.settings import ClipSettings
from watchpost.stream.embedded import EmbeddedKafka
from watchpost.vision.geometry import FractionPoint

pytestmark = pytest.mark.kafka

VIEWER, VIEWER_ENTRY = new_token("till", Role.VIEWER)
MASK = Mask("desk", (FractionPoint(0, 0), FractionPoint(0.5, 0), FractionPoint(0.5, 0.5)))
BEGAN = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=10)
SECONDS = 6


def masked_spec() -> CameraSpec:
    return camera_spec("masked", masks=(MASK,), recording=Recording(enabled=True, unmasked=True))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two cameras that were recorded for six seconds, a keyframe at each, and a clip of one."""
    folder = tmp_path_factory.mktemp("site")
    packets, began_us = list(coded_packets(coded_clip(folder, seconds=SECONDS))), round(BEGAN.timestamp() * 1_000_000)
    for camera in ("door", "masked"):
        writer = writer_in(folder / "ring", camera)
        record(writer, at_their_time(packets, began_us))
        writer.end()
    cut = cut_of(folder / "ring", recorded_spec("door").camera, began_us + 1_000_000, began_us + 5_000_000)
    clips = Clips(folder / "ring", ClipSettings(), SystemClock())
    for event_id in ("cut", "masked-cut", "long-gone"):
        clips.keep(event_id, cut, began_us)
    return folder / "ring"


@pytest.fixture(scope="module")
def api(embedded_broker: EmbeddedKafka, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiService]:
    recordings = {"recordings": {"path": str(root)}}
    tokens = [VIEWER_ENTRY.model_dump()]
    with ApiService(embedded_broker.bootstrap, tmp_path_factory.mktemp("api"), recordings, tokens=tokens) as running:
        running.apply_topics()
        running.wait_until_ready()
        running.write(recorded_spec("door"), masked_spec(), camera_spec("yard"))
        running.write(
            event("door", event_id="cut", at=BEGAN),
            event("door", event_id="ended", phase=EventPhase.ENDED, at=BEGAN),
            event("door", event_id="candidate", phase=EventPhase.CANDIDATE, at=BEGAN),
            event("door", event_id="fresh", at=datetime.now(UTC)),
            event("yard", event_id="elsewhere", at=BEGAN),
            event("masked", event_id="masked-cut", at=BEGAN),
        )
        wait_for(lambda: running.client().get("/events/masked-cut").status_code, lambda status: status == 200)
        yield running


def recording(client: httpx.Client, camera: str, from_s: float, to_s: float) -> httpx.Response:
    begin, end = (BEGAN + timedelta(seconds=seconds) for seconds in (from_s, to_s))
    return client.get(f"/cameras/{camera}/recording", params={"from": begin.isoformat(), "to": end.isoformat()})


def test_recording_is_streamed_from_the_keyframe_before(api: ApiService, tmp_path: Path) -> None:
    answer = recording(api.client(), "door", 1.5, 4)

    (tmp_path / "got.mp4").write_bytes(answer.content)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "video/mp4")
    began = datetime.fromisoformat(answer.headers["watchpost-from"])
    assert abs(began - BEGAN - timedelta(seconds=1)) < timedelta(milliseconds=10)
    assert len(pictures_of(tmp_path / "got.mp4")) == pytest.approx(3 * 25, abs=1)


@pytest.mark.parametrize(
    ("camera", "from_s", "to_s", "status", "field", "said"),
    [
        ("nobody", 0, 1, 404, "name", "no camera of this name"),
        ("door", 60, 70, 404, "from", "nothing of door was recorded"),
        ("yard", 0, 1, 404, "from", "recording.enabled"),
        ("door", 2, 1, 422, "to", "is not after"),
        ("door", 0, 901, 422, "to", "0:15:01 are more than 0:15:00"),
    ],
)
def test_recording_that_cannot_be_had_is_explained(
    api: ApiService, camera: str, from_s: float, to_s: float, status: int, field: str, said: str
) -> None:
    answer = recording(api.client(), camera, from_s, to_s)

    assert (answer.status_code, answer.json()["field"]) == (status, field)
    assert said in answer.text


@pytest.mark.parametrize("missing", ["from", "to"])
def test_recording_needs_both_ends(api: ApiService, missing: str) -> None:
    params = {"from": BEGAN.isoformat(), "to": BEGAN.isoformat()}
    del params[missing]

    answer = api.client().get("/cameras/door/recording", params=params)

    assert (answer.status_code, answer.json()["field"]) == (422, missing)


def test_what_masks_hide_is_for_admins_alone(api: ApiService) -> None:
    viewer, admin = api.client(VIEWER), api.client()

    assert recording(viewer, "door", 0, 1).status_code == 200
    assert recording(admin, "masked", 0, 1).status_code == 200
    assert admin.get("/events/masked-cut/clip.mp4").status_code == 200
    for answer in (recording(viewer, "masked", 0, 1), viewer.get("/events/masked-cut/clip.mp4")):
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:watchpost:problem:forbidden")
        assert "masks hide" in answer.json()["detail"]


def test_clip_is_whole_or_the_part_that_a_player_asks_for(api: ApiService, root: Path) -> None:
    content = (root / "clips" / "cut.mp4").read_bytes()
    client = api.client(VIEWER)

    whole = client.get("/events/cut/clip.mp4")
    part = client.get("/events/cut/clip.mp4", headers={"Range": "bytes=100-1099"})

    assert (whole.status_code, whole.content) == (200, content)
    assert (whole.headers["accept-ranges"], whole.headers["content-length"]) == ("bytes", str(len(content)))
    assert (part.status_code, part.content) == (206, content[100:1100])
    assert part.headers["content-range"] == f"bytes 100-1099/{len(content)}"


@pytest.mark.parametrize(
    ("event_id", "status", "said"),
    [
        ("unknown", 404, "there is no clip of this id"),
        ("ended", 404, "its clip was missed, or is gone"),
        ("candidate", 404, "that is candidate has none"),
        ("elsewhere", 404, "yard is not recorded"),
        ("fresh", 409, "which are being recorded"),
        ("..%2F..%2Fid", 404, ""),
    ],
)
def test_clip_that_cannot_be_had_is_explained(api: ApiService, event_id: str, status: int, said: str) -> None:
    answer = api.client().get(f"/events/{event_id}/clip.mp4")

    assert answer.status_code == status
    assert said in answer.json()["detail"]
    assert ("retry-after" in answer.headers) == (status == 409)


def test_clip_of_an_event_that_is_not_at_hand_is_for_admins_alone(api: ApiService) -> None:
    assert api.client().get("/events/long-gone/clip.mp4").status_code == 200
    assert api.client(VIEWER).get("/events/long-gone/clip.mp4").status_code == 404


def test_events_name_their_clips(api: ApiService) -> None:
    named = {shown["event_id"]: shown["clip_uri"] for shown in api.client().get("/events").json()["events"]}

    assert named["cut"] == "/events/cut/clip.mp4"
    assert named["ended"] == "/events/ended/clip.mp4"
    assert named["candidate"] is named["elsewhere"] is None


PLAYED = """async url => {
    const video = document.createElement('video');
    video.muted = true; video.src = url;
    document.body.append(video);
    const loaded = new Promise((done, failed) => {
        video.onloadedmetadata = done;
        video.onerror = () => failed(new Error(video.error.message));
    });
    await loaded;
    const length = video.duration;
    video.currentTime = 2.5;
    await new Promise(done => { video.onseeked = done; });
    const leapt = video.currentTime;
    video.playbackRate = 8;
    await new Promise((done, failed) => {
        video.onended = done;
        video.onerror = () => failed(new Error(video.error.message));
        video.play();
    });
    return [video.videoWidth, video.videoHeight, leapt, length];
}"""


def test_clip_plays_in_a_browser_which_knows_its_length_and_leaps_in_it(api: ApiService) -> None:
    require("chromium", "apt-get install -y chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"{api.url}/docs")
        width, height, leapt, length = page.evaluate(PLAYED, f"{api.url}/events/cut/clip.mp4")
        browser.close()

    assert (width, height, leapt) == (320, 180, 2.5)
    assert length == pytest.approx(4, abs=0.1)
