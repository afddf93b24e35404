"""How much of a camera is decoded: what turns it, and what it waits for."""

from watchpost.ingest.decode_choice import Choice, ChoiceRules, DecodeCause, DecodeChooser, DecodeMode
from watchpost.ingest.packet_kinds import PacketKind

SECOND_US = 1_000_000
FRAME_US = 40_000


class Camera:
    """Packets of a quiet camera whose sizes speak: 25 a second, a keyframe every two seconds."""

    def __init__(self, *, keyframe_every: int = 50) -> None:
        self.chooser = DecodeChooser(ChoiceRules())
        self.at_us = 0
        self._n, self.every = 0, keyframe_every

    def send(self, seconds: float, *, rises: float = 1, moving: bool = False, commanded: bool = False) -> Choice:
        for _ in range(round(seconds * 25)):
            self.at_us = self._n * FRAME_US
            keyframe = self._n % self.every == 0
            size = 100_000 if keyframe else round((1000 + self._n * 7919 % 97) * rises)
            kind = PacketKind.KEYFRAME if keyframe else PacketKind.REFERENCE
            choice = self.chooser.packet(kind, size, self.at_us, commanded=commanded)
            if choice.mode is not DecodeMode.IDLE or keyframe:
                self.chooser.picture(self.at_us, moving=moving)
            self._n += 1
        return self.chooser.choice


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
