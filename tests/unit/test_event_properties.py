"""What holds of the event logic for whatever a camera sees."""

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.observations import RULES, analyzed, folded, person, zone
from tests.fakes.specs import assignment
from watchpost.contracts.records import EventPhase, FrameAnalyzed, Zone, ZoneKind
from watchpost.events.logic import Outputs, decode_state, encode_state

_CLOSED = {EventPhase.ENDED, EventPhase.WITHDRAWN}
_ZONES = (
    zone(ZoneKind.INTRUSION, name="yard"),
    zone(ZoneKind.INTRUSION, name="gate", left=0.3),
    zone(ZoneKind.LOITERING, name="shelf", after_s=3.0, left=0.0),
    zone(ZoneKind.CROWD, name="queue", after_s=1.0, people=2, left=0.0),
)


@st.composite
def _people(draw: st.DrawFn) -> list[FrameAnalyzed]:
    """Up to three people who stand, bend, lie and vanish at will, seen at uneven intervals, in zones that change."""
    lines = draw(st.lists(st.text("uuublll.", min_size=5, max_size=40), min_size=1, max_size=3))
    gaps_ms = draw(st.lists(st.sampled_from([100, 200, 200, 333, 1000, 4000]), min_size=40, max_size=40))
    zones: tuple[Zone, ...] = draw(st.sampled_from([(), _ZONES]))
    frames, at_ms = [], 0
    for number in range(max(len(line) for line in lines)):
        at_ms += gaps_ms[number]
        seen = [
            person(line[number], shift_x=0.3 * place - 0.3)
            for place, line in enumerate(lines)
            if number < len(line) and line[number] != "."
        ]
        if zones and draw(st.integers(0, 30)) == 0:
            zones = draw(st.sampled_from([_ZONES, _ZONES[1:], (zone(name="yard", left=0.4), *_ZONES[1:])]))
        asked = assignment(zones=zones, thumbnail_interval_s=60, bandwidth_saving=not zones)
        frames.append(analyzed(number, at_ms / 1000, seen, asked))
    return frames


def _flat(outputs: list[Outputs]) -> list[tuple[str, int, EventPhase]]:
    return [(event.event_id, event.revision, event.phase) for given_now in outputs for event in given_now.events]


@given(_people())
@settings(max_examples=150, deadline=None)
def test_replay_gives_the_same_state_and_outputs(frames: list[FrameAnalyzed]) -> None:
    assert folded(frames) == folded(frames)


@given(_people(), st.data())
@settings(max_examples=150, deadline=None)
def test_duplicates_change_nothing(frames: list[FrameAnalyzed], data: st.DataObject) -> None:
    repeated: list[FrameAnalyzed] = []
    for number, frame in enumerate(frames):
        again = data.draw(st.sampled_from([0, 0, 1, 3]), label="repeats")
        repeated += [frame, *frames[max(0, number - again) : number]]

    state, outputs = folded(repeated)
    once_state, once_outputs = folded(frames)

    assert state == once_state
    assert _flat(outputs) == _flat(once_outputs)


@given(_people())
@settings(max_examples=150, deadline=None)
def test_revisions_rise_by_one_and_nothing_follows_the_end(frames: list[FrameAnalyzed]) -> None:
    _, outputs = folded(frames)

    revisions: dict[str, list[tuple[int, EventPhase]]] = defaultdict(list)
    for event_id, revision, phase in _flat(outputs):
        revisions[event_id].append((revision, phase))

    for history in revisions.values():
        assert [revision for revision, _ in history] == list(range(1, len(history) + 1))
        assert not any(phase in _CLOSED for _, phase in history[:-1])


@given(_people())
@settings(max_examples=150, deadline=None)
def test_thumbnail_and_command_ids_are_unique(frames: list[FrameAnalyzed]) -> None:
    _, outputs = folded(frames)

    thumbnails = [one.thumbnail_id for given_now in outputs for one in given_now.thumbnails]
    commands = [one.command_id for given_now in outputs for one in given_now.commands]

    assert len(thumbnails) == len(set(thumbnails))
    assert len(commands) == len(set(commands))


@given(_people(), st.integers(0, 40))
@settings(max_examples=100, deadline=None)
def test_state_may_be_put_away_and_taken_up_at_any_frame(frames: list[FrameAnalyzed], cut: int) -> None:
    state, before = folded(frames[:cut])
    data = encode_state(state)

    _, after = folded(frames[cut:], state=decode_state(data))

    assert encode_state(decode_state(data)) == data
    assert before + after == folded(frames, RULES)[1]
