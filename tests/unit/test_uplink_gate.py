"""Which published frames are marked to go up: how often, by how much of the picture changed, and since when."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from watchpost.contracts.camera_parts import UplinkMode, UplinkReason
from watchpost.ingest.uplink_gate import UplinkGate
from watchpost.vision.motion import Blocks

BEGINS_US = 1_800_000_000_000_000
ROWS, COLUMNS = 20, 50
A_TENTH = ROWS * COLUMNS // 10


def picture(changed: int = 0, *, lighter: float = 0.0) -> Blocks:
    """A picture of which so many blocks differ from `picture()`."""
    blocks = np.random.default_rng(1).uniform(60, 120, (ROWS, COLUMNS)).astype(np.float32)
    blocks.reshape(-1)[:changed] += 40
    return np.asarray(blocks + lighter, np.float32)


@dataclass(slots=True)
class Gated:
    """A gate and what it marked, in milliseconds since the beginning."""

    gate: UplinkGate = field(default_factory=UplinkGate)
    marked: list[tuple[int, UplinkReason]] = field(default_factory=list)

    def sees(
        self, blocks: Blocks, at_ms: int, mode: UplinkMode = UplinkMode.DIFFERENTIAL, *, published: bool = True
    ) -> UplinkReason | None:
        reason = self.gate.reason_for(mode, blocks, BEGINS_US + at_ms * 1000)
        if published:
            self.gate.published()
        if reason is not None:
            self.marked.append((at_ms, reason))
        return reason


@pytest.mark.parametrize("mode", [UplinkMode.METADATA, UplinkMode.FULL])
def test_modes_that_need_no_mark_mark_nothing(mode: UplinkMode) -> None:
    gated = Gated()

    for number in range(20):
        gated.sees(picture(50 * number), number * 500, mode)

    assert not gated.marked


@pytest.mark.parametrize("every_ms", [40, 100, 120, 200, 500, 1000])
def test_sampled_camera_has_one_frame_a_second_marked_however_densely_they_come(every_ms: int) -> None:
    gated = Gated()

    for at_ms in range(0, 60_000, every_ms):
        gated.sees(picture(), at_ms, UplinkMode.SAMPLED)

    assert len(gated.marked) in (60, 61)  # the last one may come early
    assert {reason for _, reason in gated.marked} == {UplinkReason.SAMPLED}


def test_frames_of_one_a_second_that_come_a_little_early_are_not_passed_over() -> None:
    gated, jitter_ms = Gated(), (0, -40, 30, -20, 45)

    for number in range(60):
        gated.sees(picture(), number * 1000 + jitter_ms[number % 5], UplinkMode.SAMPLED)

    assert len(gated.marked) == 60


def test_frames_that_come_more_slowly_are_all_marked() -> None:
    gated = Gated()

    for at_ms in range(0, 60_000, 3000):
        gated.sees(picture(), at_ms, UplinkMode.SAMPLED)

    assert len(gated.marked) == 20


def test_pause_is_not_made_up_for_afterwards() -> None:
    gated = Gated()

    for at_ms in (0, 20_000, 20_200, 20_400, 20_600, 20_800, 21_000):
        gated.sees(picture(), at_ms, UplinkMode.SAMPLED)

    assert [at_ms for at_ms, _ in gated.marked] == [0, 20_000, 21_000]


@pytest.mark.parametrize(("blocks", "reason"), [(A_TENTH - 1, None), (A_TENTH, UplinkReason.CHANGED)])
def test_tenth_of_the_blocks_must_have_changed(blocks: int, reason: UplinkReason | None) -> None:
    gated = Gated()
    gated.sees(picture(), 0)

    assert gated.sees(picture(blocks), 5000) is reason


def test_change_adds_up_since_the_last_marked_frame_where_no_frame_changes_by_a_tenth_itself() -> None:
    gated = Gated()

    for number in range(21):
        gated.sees(picture(number * A_TENTH // 10), number * 2000)

    assert gated.marked == [
        (0, UplinkReason.SAMPLED),
        (20_000, UplinkReason.CHANGED),
        (40_000, UplinkReason.CHANGED),
    ]


def test_picture_that_always_changes_has_one_a_second_marked() -> None:
    gated = Gated()

    for number in range(100):
        gated.sees(picture(3 * A_TENTH * (number % 2)), number * 100)

    assert len(gated.marked) <= 10
    assert gated.marked[-1][1] is UplinkReason.CHANGED


def test_picture_in_which_nothing_changes_has_one_a_minute_marked() -> None:
    gated = Gated()

    for number in range(181):
        gated.sees(picture(), number * 1000)

    assert gated.marked == [(at_ms, UplinkReason.SAMPLED) for at_ms in (0, 60_000, 120_000, 180_000)]


def test_light_over_the_whole_picture_is_no_change() -> None:
    gated = Gated()
    gated.sees(picture(), 0)

    assert gated.sees(picture(lighter=30), 5000) is None


def test_hidden_blocks_count_for_nothing() -> None:
    def half_hidden(changed: int) -> Blocks:
        blocks = picture(changed)
        blocks[ROWS // 2 :] = np.nan
        return blocks

    gated = Gated()
    gated.sees(half_hidden(0), 0)

    assert gated.sees(half_hidden(A_TENTH // 2 - 1), 2000) is None
    assert gated.sees(half_hidden(A_TENTH // 2), 4000) is UplinkReason.CHANGED


def test_camera_whose_picture_is_all_hidden_has_one_a_minute_marked() -> None:
    gated, hidden = Gated(), np.full((ROWS, COLUMNS), np.nan, np.float32)

    for number in range(121):
        gated.sees(hidden, number * 1000)

    assert [at_ms for at_ms, _ in gated.marked] == [0, 60_000, 120_000]


def test_picture_of_another_shape_is_marked_at_once() -> None:
    gated = Gated()
    gated.sees(picture(), 0)

    assert gated.sees(picture()[:10], 2000) is UplinkReason.SAMPLED


def test_camera_that_turns_differential_again_begins_with_a_picture_of_now() -> None:
    gated = Gated()
    gated.sees(picture(), 0)
    gated.sees(picture(), 5000, UplinkMode.METADATA)

    assert gated.sees(picture(), 10_000) is UplinkReason.SAMPLED


@pytest.mark.parametrize("mode", [UplinkMode.SAMPLED, UplinkMode.DIFFERENTIAL])
def test_frame_that_was_not_published_leaves_its_place_to_the_next(mode: UplinkMode) -> None:
    gated = Gated()

    gated.sees(picture(), 0, mode, published=False)

    assert gated.sees(picture(), 200, mode) is UplinkReason.SAMPLED
    assert gated.sees(picture(), 400, mode) is None


def test_change_is_told_by_the_next_frame_where_the_one_that_showed_it_was_not_published() -> None:
    gated = Gated()
    gated.sees(picture(), 0)
    gated.sees(picture(A_TENTH), 5000, published=False)

    assert gated.sees(picture(A_TENTH), 5200) is UplinkReason.CHANGED


def test_frame_that_is_not_marked_changes_nothing_when_it_is_published() -> None:
    gated = Gated()
    gated.sees(picture(), 0)
    gated.sees(picture(A_TENTH - 1), 5000)

    assert gated.sees(picture(A_TENTH), 5200) is UplinkReason.CHANGED
