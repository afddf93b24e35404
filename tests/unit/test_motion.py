"""What moves: people, and not noise or light."""

import time

import cv2
import numpy as np
import pytest

from watchpost.vision.motion import Luma, MotionWatch, block_means, block_size_px, changed_blocks, moved_boxes

WIDTH, HEIGHT = 960, 540
STEP_US = 100_000


def scene(seed: int = 1) -> Luma:
    random = np.random.default_rng(seed)
    coarse = random.integers(40, 200, (HEIGHT // 60, WIDTH // 60), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.uint8)


def noisy(picture: Luma, sigma: float, seed: int, *, lighter: float = 0.0) -> Luma:
    random = np.random.default_rng(seed)
    seen = picture + random.normal(lighter, sigma, picture.shape)
    return np.clip(seen, 0, 255).astype(np.uint8)


def with_person(picture: Luma, x_px: int, *, height_px: int = 90) -> Luma:
    seen = picture.copy()
    width_px = height_px // 3
    seen[300 : 300 + height_px, x_px : x_px + width_px] = 235
    return seen


def moved(pictures: list[Luma]) -> list[bool]:
    watch = MotionWatch()
    return [watch.moves(block_means(picture, block_size_px(HEIGHT)), n * STEP_US) for n, picture in enumerate(pictures)]


@pytest.mark.parametrize("sigma", [2, 8, 15])
def test_noise_moves_nothing(sigma: float) -> None:
    assert not any(moved([noisy(scene(), sigma, seed) for seed in range(30)]))


def test_light_that_changes_slowly_moves_nothing() -> None:
    assert not any(moved([noisy(scene(), 3, n, lighter=n * 0.8) for n in range(40)]))


def test_step_of_light_over_the_whole_picture_moves_nothing() -> None:
    assert not any(moved([noisy(scene(), 3, n, lighter=25 if n >= 5 else 0) for n in range(10)]))


@pytest.mark.parametrize("height_px", [40, 90, 250])
def test_walking_person_moves_in_every_picture(height_px: int) -> None:
    walk = [noisy(with_person(scene(), 200 + 8 * n, height_px=height_px), 4, n) for n in range(20)]

    assert all(moved(walk)[1:])


def test_person_who_moves_slowly_is_told_by_the_background() -> None:
    walk = [noisy(with_person(scene(), 200 + n // 2), 4, n) for n in range(40)]

    assert all(moved(walk)[20:])


def test_person_who_stands_still_moves_no_more_after_a_while() -> None:
    stands = [noisy(with_person(scene(), 200), 2, n) for n in range(7)]

    seen = moved([noisy(scene(), 2, 0), *(stands[n % 7] for n in range(1, 400))])

    assert seen[1]
    assert all(seen[1:50])
    assert not any(seen[350:])


def test_picture_of_another_size_begins_anew() -> None:
    watch = MotionWatch()
    watch.moves(block_means(scene(), 16), 0)

    assert not watch.moves(block_means(np.ascontiguousarray(scene()[:360, :640]), 16), STEP_US)


def test_changes_are_boxed_where_they_are() -> None:
    watch = MotionWatch()
    assert watch.changed_since_published(block_means(scene(), 16)) == (0.0, ())
    watch.published(block_means(scene(), 16))

    share, boxes = watch.changed_since_published(block_means(with_person(scene(), 480, height_px=192), 16))

    assert share == pytest.approx(4 * 12 / (60 * 33), rel=0.35)
    assert len(boxes) == 1
    assert boxes[0].x0 == pytest.approx(480 / WIDTH, abs=1 / 60)
    assert boxes[0].y0 == pytest.approx(300 / (33 * 16), abs=1 / 33)
    assert boxes[0].y1 == pytest.approx(492 / (33 * 16), abs=1 / 33)


def test_picture_that_nobody_published_is_compared_with_none_after_it() -> None:
    watch = MotionWatch()
    watch.published(block_means(scene(), 16))

    shown = [watch.changed_since_published(block_means(with_person(scene(), 480), 16))[0] for _ in range(2)]

    assert shown[0] == shown[1] > 0


def test_single_changed_blocks_have_no_box() -> None:
    changed = np.zeros((10, 10), np.bool_)
    changed[2, 2] = changed[7, 7] = True

    assert moved_boxes(changed) == ()


def test_changed_blocks_leave_out_what_all_have_in_common() -> None:
    before = np.full((10, 10), 100, np.float32)
    now = before + 30
    now[3, 4:6] += 20

    assert np.argwhere(changed_blocks(now, before)).tolist() == [[3, 4], [3, 5]]


def test_looking_costs_less_than_a_millisecond() -> None:
    pictures = [noisy(scene(), 4, n) for n in range(5)]
    watch = MotionWatch()
    spent_s = []
    for n in range(40):
        begin_s = time.thread_time()
        watch.moves(block_means(pictures[n % 5], block_size_px(HEIGHT)), n * STEP_US)
        spent_s.append(time.thread_time() - begin_s)

    assert sorted(spent_s)[len(spent_s) // 2] < 0.001
