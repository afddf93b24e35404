"""A camera's decoders: in hardware where that is there, in software elsewhere, and none that remembers damage."""

from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from tests.fakes.coded import coded_clip, coded_packets
from tests.fakes.specs import camera_spec
from tests.fakes.watched_camera import WatchedCamera
from tests.waiting import wait_for
from watchpost.contracts.records import CameraId
from watchpost.ingest.decoder_fallbacks import DecoderFallbacks, Fallback
from watchpost.ingest.decoders import Decoders
from watchpost.ingest.packets import CodedPacket, decode, held_back
from watchpost.telemetry import Health

DOOR = CameraId("door")
ABSENT, UNKNOWN = "vulkan", "abacus"


@pytest.fixture
def packets(tmp_path: Path) -> list[CodedPacket]:
    return list(coded_packets(coded_clip(tmp_path, "h264", seconds=1, size="192x108")))


def pictures(packets: list[CodedPacket], decoders: Decoders) -> int:
    decoder = decoders.begin(packets[0].decoder)
    count = sum(len(list(decode(coded, decoder))) for coded in packets)
    return count + len(list(held_back(packets[-1], decoder)))


def fallbacks(decoder: str) -> float:
    labels = {"camera": DOOR, "decoder": decoder}
    return REGISTRY.get_sample_value("watchpost_decoder_fallbacks_total", labels) or 0


@pytest.mark.parametrize("name", [ABSENT, UNKNOWN])
def test_hardware_that_is_not_there_falls_back_to_software_and_says_so_once(
    packets: list[CodedPacket], name: str
) -> None:
    decoders, before = Decoders(DOOR, name), fallbacks(name)

    with capture_logs() as logs:
        first = pictures(packets, decoders)
        decoders.damaged(0)
        again = pictures(packets, decoders)

    assert (first, again) == (25, 25)
    assert [(log["event"], log["decoder"], log["to"]) for log in logs] == [("decoder_falls_back", name, "software")]
    assert name in str(logs[0]["why"])
    assert decoders.fallback == Fallback(name, str(logs[0]["why"]))
    assert fallbacks(name) == before + 2


def test_software_that_was_asked_for_is_no_fallback(packets: list[CodedPacket]) -> None:
    with capture_logs() as logs:
        decoders = Decoders(DOOR)
        assert pictures(packets, decoders) == 25

    assert logs == []
    assert decoders.fallback is None
    assert fallbacks("software") == 0


def test_decoder_that_met_damage_is_not_used_again(packets: list[CodedPacket]) -> None:
    decoders, stream = Decoders(DOOR), packets[0].decoder

    first = decoders.begin(stream)
    flushed = decoders.begin(stream)
    decoders.damaged(0)
    renewed = decoders.begin(stream)

    assert first is flushed is stream
    assert renewed is not first
    assert (renewed.codec.name, renewed.extradata) == (stream.codec.name, stream.extradata)


def test_stream_that_is_never_as_it_should_be_is_decoded_leniently_until_connected_anew() -> None:
    decoders = Decoders(DOOR)

    with capture_logs() as logs:
        strict = []
        for second in (0, 2, 4, 6, 8):
            decoders.damaged(second * 1_000_000)
            strict.append(decoders.is_strict)
    decoders.reconnected()

    assert strict == [True, True, True, False, False]
    assert [log["event"] for log in logs] == ["camera_decoded_leniently"]
    assert decoders.is_strict


def test_whole_group_between_damaged_ones_keeps_decoding_strict() -> None:
    decoders = Decoders(DOOR)

    for second in range(0, 20, 2):
        decoders.damaged(second * 1_000_000)
        decoders.whole()

    assert decoders.is_strict


def test_camera_whose_hardware_is_not_there_delivers_frames(tmp_path: Path) -> None:
    clip = coded_clip(tmp_path, "h264", seconds=2, size="192x108")
    spec = camera_spec(source=f"file:{clip}?loop=1", decoder=ABSENT)
    before = fallbacks(ABSENT)

    with WatchedCamera(spec, tmp_path) as watched:
        wait_for(lambda: len(watched.frames), lambda count: count > 3)
        fallback = watched.worker.fallback

    assert fallbacks(ABSENT) > before
    assert fallback is not None
    assert fallback.decoder == ABSENT


def test_fallback_is_noted_and_measured_by_camera_while_it_lasts() -> None:
    health = Health("ingest")
    shown = DecoderFallbacks(health)

    def measured(decoder: str) -> float | None:
        labels = {"camera": DOOR, "decoder": decoder}
        return REGISTRY.get_sample_value("watchpost_decoder_fallen_back", labels)

    shown.show({DOOR: Fallback("cuda", "no driver"), CameraId("yard"): Fallback("vaapi", "no card")})
    assert health.notes()["decoders"] == (
        "door asks for cuda, but no driver: software decodes it; yard asks for vaapi, but no card: software decodes it"
    )
    assert measured("cuda") == 1

    shown.show({DOOR: Fallback("qsv", "no driver")})
    assert (measured("cuda"), measured("qsv")) == (None, 1)

    shown.show({})
    assert (health.notes(), measured("qsv")) == ({}, None)
