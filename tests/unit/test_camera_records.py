"""What a camera's records say of its uplink and its recording, whoever wrote them."""

import io
from dataclasses import replace

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.specs import assignment, camera_spec
from watchpost.contracts import decode, encode, shipped_schemas, to_plain
from watchpost.contracts.camera_parts import Mask, Recording, UplinkMode
from watchpost.contracts.recording_rules import for_admins_only, may_record
from watchpost.contracts.records import CameraSpec, SpecOrigin
from watchpost.vision.geometry import FractionPoint

MASK = Mask("neighbour", (FractionPoint(0, 0), FractionPoint(0.5, 0), FractionPoint(0.5, 0.5)))
RECORDINGS = st.builds(Recording, enabled=st.booleans(), audio=st.booleans(), unmasked=st.booleans())


def as_written_before(spec: CameraSpec) -> bytes:
    """The spec as a process that knows version 2 of its schema writes it."""
    (schema,) = (known for known in shipped_schemas() if (known.record, known.version) == ("CameraSpec", 2))
    body = io.BytesIO()
    fastavro.schemaless_writer(body, schema.parsed, to_plain(spec))
    return b"\xc3\x01" + bytes.fromhex(schema.fingerprint) + body.getvalue()


@pytest.mark.parametrize(("saving", "mode"), [(True, UplinkMode.METADATA), (False, UplinkMode.FULL)])
def test_spec_of_an_older_writer_says_by_bandwidth_saving_what_goes_up(saving: bool, mode: UplinkMode) -> None:  # noqa: FBT001
    spec = camera_spec()
    spec = replace(spec, assignment=replace(spec.assignment, bandwidth_saving=saving))

    read = decode(as_written_before(spec), CameraSpec)

    assert read.assignment.uplink_mode is mode
    assert (read.substream, read.decoder, read.regions, read.masks) == (None, "software", (), ())
    assert read.recording == Recording(enabled=False, audio=False, unmasked=False)


@pytest.mark.parametrize("mode", list(UplinkMode))
def test_every_mode_of_the_uplink_survives_its_way(mode: UplinkMode) -> None:
    spec = replace(camera_spec(masks=(MASK,)), assignment=replace(assignment(), uplink=mode))

    read = decode(encode(spec), CameraSpec)

    assert read == spec
    assert read.assignment.uplink_mode is mode


@given(recording=RECORDINGS)
def test_masked_camera_is_recorded_only_where_unmasked_says_so(recording: Recording) -> None:
    masked, bare = camera_spec(masks=(MASK,), recording=recording), camera_spec(recording=recording)

    assert may_record(masked) == (recording.enabled and recording.unmasked)
    assert may_record(bare) == recording.enabled
    assert (for_admins_only(masked), for_admins_only(bare)) == (True, False)


@given(recording=RECORDINGS)
def test_camera_of_a_call_is_never_recorded(recording: Recording) -> None:
    assert not may_record(camera_spec(origin=SpecOrigin.ANALYZE, recording=recording))
