"""How much of a camera is decoded: what turns it, and what it waits for."""

from collections.abc import Callable

import pytest

from watchpost.ingest.decode_choice import Choice, ChoiceRules, DecodeCause, DecodeChooser, DecodeMode
from watchpost.ingest.learning_places import LearningPlaces
from watchpost.ingest.packet_kinds import PacketKind

SECOND_US = 1_000_000
FRAME_US = 40_000


class Camera:
    """Packets of a quiet camera whose sizes speak: 25 a second, a keyframe every two seconds.

    `stretched`: how many times longer they take to arrive than they should.
    """

    def __init__(
        self,
        *,
        keyframe_every: int = 50,
        places: LearningPlaces | None = None,
        stretched: float = 1,
        between_bytes: int = 1000,
    ) -> None:
        self.chooser = DecodeChooser(ChoiceRules(), places or LearningPlaces(1))
        self.at_us = 0
        self._n, self.every, self.stretched, self.between_bytes = 0, keyframe_every, stretched, between_bytes

    def send(
        self,
        seconds: float,
        *,
        rises: float = 1,
        moving: bool = False,
        commanded: bool = False,
        followed: bool = False,
    ) -> Choice:
        for _ in range(round(seconds * 25)):
            stream_us = self._n * FRAME_US
            self.at_us = round(stream_us * self.stretched)
            keyframe = self._n % self.every == 0
            size = 100_000 if keyframe else round((self.between_bytes + self._n * 7919 % 97) * rises)
            kind = PacketKind.KEYFRAME if keyframe else PacketKind.REFERENCE
            choice = self.chooser.packet(kind, size, self.at_us, stream_us, commanded=commanded, followed=followed)
            if choice.mode is not DecodeMode.IDLE or keyframe:
                self.chooser.picture(self.at_us, moving=moving)
            self._n += 1
        return self.chooser.choice

    def skip(self, seconds: float) -> None:
        """The stream's time jumps forward."""
        self._n += round(seconds * 25)


def test_camera_is_learned_and_then_idle() -> None:
    camera = Camera()

    assert camera.send(1).cause is DecodeCause.LEARNING
    assert camera.send(12) == Choice(DecodeMode.IDLE, DecodeCause.QUIET, 1.0)


def test_camera_stays_active_for_the_hold_after_the_last_motion() -> None:
    camera = Camera()
    camera.send(15)

    camera.send(3, rises=3, moving=True)

    assert camera.send(4.9).cause is DecodeCause.PIXELS
    assert camera.send(2).mode is DecodeMode.IDLE


def test_packets_without_motion_wake_for_two_seconds_and_count_as_false() -> None:
    camera = Camera()
    camera.send(15)

    woken = camera.send(0.6, rises=3)
    camera.send(6)

    assert (woken.mode, woken.cause) == (DecodeMode.ACTIVE, DecodeCause.PACKETS)
    assert camera.chooser.choice.mode is DecodeMode.IDLE
    assert camera.chooser.false_wakes == 1


def test_packets_with_motion_are_no_false_wake() -> None:
    camera = Camera()
    camera.send(15)

    camera.send(0.6, rises=3)
    camera.send(2, rises=3, moving=True)
    camera.send(12)

    assert camera.chooser.false_wakes == 0


def test_pictures_that_see_twice_what_packets_did_not_say_end_the_trust() -> None:
    camera = Camera()
    camera.send(15)

    for _ in range(2):
        camera.send(2, moving=True)
        camera.send(8)

    assert camera.send(1).cause is DecodeCause.SIZES_SAY_NOTHING
    assert camera.send(601).cause is DecodeCause.QUIET


def test_command_decodes_everything_while_it_holds() -> None:
    camera = Camera()
    camera.send(15)

    assert camera.send(1, commanded=True) == Choice(DecodeMode.BURST, DecodeCause.COMMAND)
    assert camera.send(0.04).mode is DecodeMode.IDLE


def test_camera_is_active_while_somebody_is_followed_and_idle_with_the_end_of_it() -> None:
    camera = Camera()
    camera.send(15)

    assert camera.send(60, followed=True) == Choice(DecodeMode.ACTIVE, DecodeCause.FOLLOWED)
    assert camera.send(0.04) == Choice(DecodeMode.IDLE, DecodeCause.QUIET, 1.0)


def test_followed_is_the_cause_only_where_nothing_else_holds_the_camera_active() -> None:
    camera = Camera()
    camera.send(15)

    assert camera.send(1, followed=True, moving=True).cause is DecodeCause.PIXELS
    assert camera.send(6, followed=True).cause is DecodeCause.FOLLOWED
    assert camera.send(0.6, followed=True, rises=3).cause is DecodeCause.PACKETS
    assert camera.send(1, followed=True, commanded=True).cause is DecodeCause.COMMAND


def test_camera_in_which_somebody_is_followed_from_the_beginning_learns_what_is_usual_meanwhile() -> None:
    camera = Camera()

    camera.send(15, followed=True)

    assert camera.send(0.04).cause is DecodeCause.QUIET
    assert camera.send(0.6, rises=3).cause is DecodeCause.PACKETS


def test_keyframes_that_give_no_picture_alone_are_not_relied_on() -> None:
    camera = Camera()
    camera.send(15)

    camera.chooser.keyframe_decoded(gave_picture=False)
    assert camera.send(0.04).mode is DecodeMode.IDLE
    camera.chooser.keyframe_decoded(gave_picture=False)

    assert camera.send(0.04).cause is DecodeCause.NO_WHOLE_KEYFRAMES


def test_keyframe_that_does_not_come_ends_idle_in_time() -> None:
    camera = Camera()
    camera.send(14)
    camera.every = 10_000

    assert camera.send(6).cause is DecodeCause.KEYFRAMES_APART


def test_new_connection_is_learned_anew() -> None:
    camera = Camera()
    camera.send(15)

    camera.chooser.reconnected()

    assert camera.send(1).cause is DecodeCause.LEARNING


def test_camera_of_an_overloaded_machine_becomes_idle_though_its_packets_come_late() -> None:
    camera = Camera(stretched=4)

    assert camera.send(15).cause is DecodeCause.QUIET


def test_stream_whose_time_jumps_is_idle_again_after_some_keyframes() -> None:
    camera = Camera()
    camera.send(15)

    camera.skip(3600)

    assert camera.send(2).cause is DecodeCause.KEYFRAMES_APART
    assert camera.send(10).cause is DecodeCause.QUIET


def taken() -> LearningPlaces:
    """Places of which none is free."""
    places = LearningPlaces(1)
    places.has_place("another camera")
    return places


def test_camera_without_a_place_waits_with_its_keyframes_alone() -> None:
    assert Camera(places=taken()).send(1) == Choice(DecodeMode.IDLE, DecodeCause.WAITS_TO_LEARN, 1.0)


def test_camera_that_waits_is_learned_by_its_sizes_where_keyframes_show_nothing() -> None:
    camera = Camera(places=taken())

    assert camera.send(8).cause is DecodeCause.QUIET
    assert camera.send(0.6, rises=3).cause is DecodeCause.PACKETS


def test_camera_that_waits_is_woken_by_what_a_keyframe_shows_and_learned_from_there() -> None:
    camera = Camera(places=taken())
    camera.chooser.rules = ChoiceRules(hold_us=SECOND_US)

    camera.send(4, rises=3)

    assert camera.send(0.08, moving=True) == Choice(DecodeMode.ACTIVE, DecodeCause.PIXELS)
    # what came before the keyframe would have been enough to be learned by now, and was not quiet
    assert camera.send(2).cause is DecodeCause.WAITS_TO_LEARN
    assert camera.send(8).cause is DecodeCause.QUIET


def test_camera_that_waits_learns_when_the_place_is_free() -> None:
    places = taken()
    camera = Camera(places=places)
    camera.send(1)

    places.give_back("another camera")

    assert camera.send(0.04) == Choice(DecodeMode.ACTIVE, DecodeCause.LEARNING)


def test_sizes_that_say_nothing_are_decoded_without_a_place() -> None:
    camera = Camera(places=taken(), between_bytes=8000)

    assert camera.send(8) == Choice(DecodeMode.ACTIVE, DecodeCause.SIZES_SAY_NOTHING, 2.0)


def test_keyframes_far_apart_are_decoded_without_a_place() -> None:
    camera = Camera(keyframe_every=250, places=taken())

    assert camera.send(5).cause is DecodeCause.KEYFRAMES_APART


@pytest.mark.parametrize(
    "end",
    [
        lambda camera: camera.send(8),
        lambda camera: camera.send(0.2, moving=True),
        lambda camera: camera.send(0.2, commanded=True),
        lambda camera: camera.chooser.disconnected(),
        lambda camera: camera.chooser.reconnected(),
    ],
    ids=["learned", "moves", "commanded", "disconnected", "reconnected"],
)
def test_place_is_given_back_as_soon_as_it_is_not_needed(end: Callable[[Camera], object]) -> None:
    places = LearningPlaces(1)
    camera = Camera(places=places)
    camera.send(1)
    assert not places.has_place("another camera")

    end(camera)

    assert places.has_place("another camera")


def test_place_is_given_back_where_sizes_say_nothing() -> None:
    places = LearningPlaces(1)
    camera = Camera(places=places, between_bytes=8000)

    assert camera.send(12).cause is DecodeCause.SIZES_SAY_NOTHING
    assert places.has_place("another camera")


def test_quiet_camera_may_rest_between_keyframes_but_not_before_one() -> None:
    camera = Camera()
    camera.send(14)

    camera.send(1)
    in_the_middle = camera.chooser.may_rest_us
    camera.send(0.88)

    assert (in_the_middle, camera.chooser.may_rest_us) == (200_000, 0)


def test_camera_that_something_moves_in_front_of_may_not_rest() -> None:
    camera = Camera()
    camera.send(15)

    camera.send(0.6, rises=3)

    assert camera.chooser.may_rest_us == 0
