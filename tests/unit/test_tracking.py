"""Which box is whom: what the tracker joins, and what it keeps apart."""

from hypothesis import given
from hypothesis import strategies as st

from watchpost.vision.geometry import FractionBox
from watchpost.vision.tracking import Detection, TrackingRules, Tracks, follow, seen_again

_RULES = TrackingRules()
_SECOND_US = 1_000_000


def _box(x: float, y: float = 0.3, width: float = 0.08, height: float = 0.4) -> FractionBox:
    return FractionBox(x, y, x + width, y + height)


def _walked(*rounds: list[Detection], every_s: float = 0.2) -> tuple[Tracks, list[tuple[int | None, ...]]]:
    tracks, owners = Tracks(), []
    for number, detections in enumerate(rounds):
        tracks, owned = follow(tracks, detections, round(number * every_s * _SECOND_US), _RULES)
        owners.append(owned)
    return tracks, owners


def test_walker_keeps_the_id_at_five_frames_a_second() -> None:
    _, owners = _walked(*[[Detection(_box(0.1 + 0.05 * number), 0.9)] for number in range(10)])

    assert owners == [(1,)] * 10


def test_two_walkers_who_pass_each_other_keep_their_ids() -> None:
    rounds = [
        [Detection(_box(0.1 + 0.05 * number), 0.9), Detection(_box(0.8 - 0.05 * number, 0.45), 0.9)]
        for number in range(14)
    ]

    _, owners = _walked(*rounds)

    assert owners == [(1, 2)] * 14


def test_doubtful_box_continues_a_track_and_begins_none() -> None:
    _, owners = _walked(
        [Detection(_box(0.1), 0.9)],
        [Detection(_box(0.1), 0.25), Detection(_box(0.7), 0.25)],
    )

    assert owners[1] == (1, None)


def test_box_below_the_least_score_is_nobodys() -> None:
    _, owners = _walked([Detection(_box(0.1), 0.9)], [Detection(_box(0.1), 0.1)])

    assert owners[1] == (None,)


def test_doubtful_box_beside_a_person_takes_no_track_away() -> None:
    _, owners = _walked([Detection(_box(0.4), 0.9)], [Detection(_box(0.3, 0.1, 0.1, 0.9), 0.25)])

    assert owners[1] == (None,)


def test_person_who_falls_across_the_picture_keeps_the_id() -> None:
    standing, bent = FractionBox(0.40, 0.30, 0.52, 0.80), FractionBox(0.36, 0.50, 0.56, 0.82)
    lying = FractionBox(0.25, 0.68, 0.65, 0.84)

    _, owners = _walked(*[[Detection(box, 0.9)] for box in (standing, standing, bent, lying, lying, lying)])

    assert owners == [(1,)] * 6


def test_track_unseen_for_too_long_is_given_up() -> None:
    tracks, _ = _walked([Detection(_box(0.1), 0.9)])

    soon, _ = follow(tracks, [], 2 * _SECOND_US, _RULES)
    late, owned = follow(soon, [Detection(_box(0.1), 0.9)], 4 * _SECOND_US, _RULES)

    assert [track.id for track in soon.live] == [1]
    assert [track.id for track in late.live] == [2]
    assert owned == (2,)


def test_person_found_by_a_second_look_is_seen_now() -> None:
    tracks, _ = _walked([Detection(_box(0.1), 0.9)])
    lost, _ = follow(tracks, [], _SECOND_US, _RULES)

    found = seen_again(lost, 1, _box(0.12), _SECOND_US)

    assert found.live[0].seen_us == _SECOND_US
    assert found.live[0].box == _box(0.12)


@given(
    st.lists(
        st.lists(st.tuples(st.floats(0, 0.9), st.floats(0, 0.9), st.floats(0, 1)), max_size=6), min_size=1, max_size=12
    )
)
def test_every_box_has_at_most_one_track_and_every_track_one_box(
    rounds: list[list[tuple[float, float, float]]],
) -> None:
    tracks, owners = _walked(*[[Detection(_box(x, y), score) for x, y, score in boxes] for boxes in rounds])

    for owned in owners:
        ids = [owner for owner in owned if owner is not None]
        assert len(ids) == len(set(ids))
    ids = [track.id for track in tracks.live]
    assert ids == sorted(set(ids))
    assert all(track_id < tracks.next_id for track_id in ids)
