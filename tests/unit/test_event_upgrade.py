"""What a site finds in its changelog after an upgrade: states of older software end nothing."""

import json
import zlib
from dataclasses import replace

import pytest

from tests.fakes.observations import CAMERA, RULES, SITE, acted, folded, replied, standing, visited, zone
from watchpost.contracts.records import CameraId, ZoneKind
from watchpost.errors import ContractError
from watchpost.events.cameras import Cameras
from watchpost.events.logic import decode_state, encode_state
from watchpost.events.owed import encode_snapshot, owed_by


def _as_version_1(snapshot: bytes) -> bytes:
    """The snapshot with the state as version 1 wrote it: without zones and samples."""
    head, _, packed = snapshot.partition(b"\n")
    document = json.loads(zlib.decompress(packed))
    for newer in ("zones", "sampled_us", "answers", "uplinked"):
        del document["state"][newer]
    return head + b"\n" + zlib.compress(json.dumps({**document, "version": 1}).encode())


def test_state_survives_its_bytes_in_the_middle_of_visits_and_a_crowd() -> None:
    zones = (zone(), zone(ZoneKind.LOITERING, name="shelf", after_s=2.0), zone(ZoneKind.CROWD, name="queue", people=2))
    frames = [replace(frame, objects=(*frame.objects, standing(0.9))) for frame in visited("i" * 20, zones)]
    state, _ = folded(frames[:9])

    revived = decode_state(encode_state(state))

    assert state.zones.visitors
    assert state.zones.crowds
    assert revived == state
    assert folded(frames[9:], state=revived) == folded(frames[9:], state=state)


def test_state_of_version_1_is_refused() -> None:
    state, _ = folded(acted("u"))
    document = json.loads(encode_state(state)) | {"version": 1}

    with pytest.raises(ContractError, match="version 1; this software reads version 4"):
        decode_state(json.dumps(document).encode())


def test_camera_of_version_2_goes_on_where_it_was() -> None:
    frames = visited("i" * 20, (zone(ZoneKind.LOITERING, after_s=2.0),))
    state, _ = folded(frames[:9])
    document = json.loads(encode_state(state))
    del document["state"]["answers"]

    revived = decode_state(json.dumps({**document, "version": 2}).encode())

    assert revived == state
    assert folded(frames[9:], state=revived) == folded(frames[9:], state=state)


def test_state_survives_its_bytes_in_the_middle_of_an_event_of_a_question() -> None:
    frames = replied("nyyyyyy?nnnnnnnnn")
    state, _ = folded(frames[:9])

    assert state.answers.ballots
    assert decode_state(encode_state(state)) == state
    assert folded(frames[9:], state=decode_state(encode_state(state))) == folded(frames[9:], state=state)


def test_camera_of_version_1_begins_anew_and_pays_what_it_owed() -> None:
    frames = acted("u" * 10)
    state, outputs = folded(frames[:9])
    owed = owed_by(frames[0], 0, outputs[0])
    assert owed is not None
    saved = _as_version_1(encode_snapshot(state, iter([owed])))

    def load(camera: CameraId) -> bytes | None:
        return saved if camera == CAMERA else None

    cameras = Cameras(SITE, RULES, load, save_every_s=0)
    cameras.passed(0, 0)

    assert cameras.take(0, 9, frames[9], now_s=0.0)

    (camera,) = cameras.due(0.0)
    assert camera.state == folded(frames[9:])[0]
    assert [one.frame_id for one in camera.take_unsent()] == ["frame-0", "frame-9"]
