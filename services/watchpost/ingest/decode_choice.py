"""Chooses, packet by packet, how much of a camera is decoded: a quiet camera costs its keyframes.

- *idle*: keyframes alone, while packet sizes say that nothing moves;
- *active*: every packet, while something moves and some seconds after, while somebody is followed who keeps still, and
  wherever idle could miss something;
- *burst*: every packet, because a command asks for every picture.

Pure: times come in, in microseconds of the site's clock; what pictures show comes in by `picture`. What is known of the
stream itself (how far apart its keyframes are, its usual sizes) is reckoned in the stream's own time: a machine that is
too slow for its cameras reads them stretched, and would decode all the more of what seems to come too seldom.
"""

from dataclasses import dataclass
from enum import StrEnum

from watchpost.ingest.learning_places import LearningPlaces
from watchpost.ingest.packet_activity import PacketActivity
from watchpost.ingest.packet_kinds import PacketKind
from watchpost.settings import IngestSettings

__all__ = ["Choice", "ChoiceRules", "DecodeCause", "DecodeChooser", "DecodeMode", "choice_rules"]

_KEYFRAMES_APART_US = 4_000_000
# so long what a quiet camera sends between keyframes may lie unread: a few kB, which any connection holds
_RESTS_US = 200_000
_AWAKE_BEFORE_KEYFRAME_US = 100_000
_OFTEN_ENOUGH_US = 600_000
_LOOKS_PER_S = 2.0
_LEARNS_AT_MOST_US = 10_000_000
_QUIET_AFTER_US = 500_000
_HELD_BY_PACKETS_US = 2_000_000
_CONTRADICTIONS = 2
_CONTRADICTED_WITHIN_US = 600_000_000
_GAVE_NOTHING = 2


class DecodeMode(StrEnum):
    """How much is decoded."""

    IDLE = "idle"
    ACTIVE = "active"
    BURST = "burst"


class DecodeCause(StrEnum):
    """Why."""

    QUIET = "quiet"
    LEARNING = "learning"
    WAITS_TO_LEARN = "waits_to_learn"
    PACKETS = "packets"
    PIXELS = "pixels"
    FOLLOWED = "followed"
    COMMAND = "command"
    SIZES_SAY_NOTHING = "sizes_say_nothing"
    KEYFRAMES_APART = "keyframes_apart"
    NO_WHOLE_KEYFRAMES = "no_whole_keyframes"


_TO_BE_LEARNED = (DecodeCause.LEARNING, DecodeCause.WAITS_TO_LEARN)


@dataclass(frozen=True, slots=True)
class Choice:
    """What is decoded and why; in idle at most `keyframes_per_s`."""

    mode: DecodeMode
    cause: DecodeCause
    keyframes_per_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ChoiceRules:
    """Rates and times. `hold_us`: how long a camera stays active after the last motion."""

    idle_fps: float = 1.0
    hold_us: int = 5_000_000


def choice_rules(ingest: IngestSettings) -> ChoiceRules:
    """The site's rates and times."""
    return ChoiceRules(ingest.idle_fps, round(ingest.active_hold_s * 1_000_000))


class DecodeChooser:
    """The choice for one camera over all its connections. For the camera's thread.

    A camera is learned while it holds one of `places`, which it gives back as soon as it need not be learned any more,
    and by `disconnected`. Until it has one its sizes are learned between keyframes that show that nothing moves.

    choice = chooser.packet(kind, size_bytes, at_us, stream_us)
    chooser.picture(at_us, moving=True)       # of each picture that was looked at
    """

    def __init__(self, rules: ChoiceRules, places: LearningPlaces) -> None:
        self.rules = rules
        self.false_wakes = 0
        self._places = places
        self.reconnected()

    def reconnected(self) -> None:
        """The next packet belongs to a stream that may be another: begin to learn it."""
        self.disconnected()
        self._activity = PacketActivity()
        self._stream_us = 0
        self._began_us: int | None = None
        self._keyframe_us: int | None = None
        self._interval_us = 0
        self._between = self._between_last = 0
        self._moved_us: int | None = None
        self._heard_us: int | None = None
        self._woken_us: int | None = None
        self._contradicted: list[int] = []
        self._gave_nothing = 0
        self._choice = Choice(DecodeMode.ACTIVE, DecodeCause.LEARNING)

    def disconnected(self) -> None:
        """No packet comes for now: whoever waits to learn may."""
        self._places.give_back(self)

    @property
    def choice(self) -> Choice:
        """The choice as of the last packet."""
        return self._choice

    @property
    def may_rest_us(self) -> int:
        """How long what comes may lie unread, as of the last packet.

        A keyframe is large: a camera whose connection does not take it at once may throw it away.
        """
        if self._choice.cause is not DecodeCause.QUIET or self._keyframe_us is None:
            return 0
        to_keyframe_us = self._keyframe_us + self._interval_us - self._stream_us
        return _RESTS_US if to_keyframe_us > _RESTS_US + _AWAKE_BEFORE_KEYFRAME_US else 0

    def packet(
        self,
        kind: PacketKind,
        size_bytes: int,
        at_us: int,
        stream_us: int | None,
        *,
        commanded: bool = False,
        followed: bool = False,
    ) -> Choice:
        """How much is decoded from this packet on, itself included; `stream_us` is its time in the stream's own.

        `commanded`: every picture is asked for; `followed`: pictures of somebody who may keep still are.
        """
        stream_us = self._stream_us = at_us if stream_us is None else stream_us
        if self._began_us is None or stream_us < self._began_us:
            self._began_us = stream_us
        self._see_keyframes(kind, stream_us)
        self._activity.see(kind, size_bytes, stream_us, quiet=self._is_quiet(at_us))
        if self._activity.is_rising:
            self._rose(at_us)
        self._settle_wake(at_us)
        before, self._choice = self._choice, self._chosen(at_us, commanded=commanded, followed=followed)
        if before.cause in _TO_BE_LEARNED and self._choice.cause not in _TO_BE_LEARNED:
            self._places.give_back(self)
        return self._choice

    def picture(self, at_us: int, *, moving: bool) -> None:
        """What a picture shows."""
        if not moving:
            return
        if self._choice.cause is DecodeCause.QUIET and not self._within(self._heard_us, at_us, _HELD_BY_PACKETS_US):
            # pictures saw what packets did not say: once may be the light, twice is deafness
            self._contradicted = [
                before_us for before_us in self._contradicted if at_us - before_us < _CONTRADICTED_WITHIN_US
            ] + [at_us]
        elif self._choice.cause is DecodeCause.WAITS_TO_LEARN:
            self._activity = PacketActivity()  # nobody looked between the keyframes: it was not quiet
        self._moved_us = max(at_us, self._moved_us or 0)

    def keyframe_decoded(self, *, gave_picture: bool) -> None:
        """Whether a keyframe decoded alone gave a picture: one from which a stream only begins to recover does not."""
        self._gave_nothing = 0 if gave_picture else self._gave_nothing + 1

    def _chosen(self, at_us: int, *, commanded: bool, followed: bool) -> Choice:
        if commanded:
            return Choice(DecodeMode.BURST, DecodeCause.COMMAND)
        if self._within(self._moved_us, at_us, self.rules.hold_us):
            return Choice(DecodeMode.ACTIVE, DecodeCause.PIXELS)
        if self._within(self._heard_us, at_us, _HELD_BY_PACKETS_US):
            return Choice(DecodeMode.ACTIVE, DecodeCause.PACKETS)
        if followed:
            return Choice(DecodeMode.ACTIVE, DecodeCause.FOLLOWED)
        return self._quiet_choice(at_us, self._stream_us)

    def _quiet_choice(self, at_us: int, stream_us: int) -> Choice:
        """What is decoded while nothing is known to move."""
        if self._is_intra_only:
            return Choice(DecodeMode.IDLE, DecodeCause.SIZES_SAY_NOTHING, max(_LOOKS_PER_S, self.rules.idle_fps))
        if self._gave_nothing >= _GAVE_NOTHING:
            return Choice(DecodeMode.ACTIVE, DecodeCause.NO_WHOLE_KEYFRAMES)
        since_us = 0 if self._keyframe_us is None else stream_us - self._keyframe_us
        if max(self._interval_us, since_us) > _KEYFRAMES_APART_US:
            return Choice(DecodeMode.ACTIVE, DecodeCause.KEYFRAMES_APART)
        if self._is_learning(stream_us):
            if self._places.has_place(self):
                return Choice(DecodeMode.ACTIVE, DecodeCause.LEARNING)
            return Choice(DecodeMode.IDLE, DecodeCause.WAITS_TO_LEARN, self.rules.idle_fps)
        if self._speaks(at_us):
            return Choice(DecodeMode.IDLE, DecodeCause.QUIET, self.rules.idle_fps)
        often_enough = 0 < self._interval_us <= _OFTEN_ENOUGH_US
        return Choice(
            DecodeMode.IDLE if often_enough else DecodeMode.ACTIVE, DecodeCause.SIZES_SAY_NOTHING, _LOOKS_PER_S
        )

    @property
    def _is_intra_only(self) -> bool:
        return self._interval_us > 0 and self._between_last == 0

    def _is_learning(self, stream_us: int) -> bool:
        """Until enough was seen while all was quiet; not for ever, since there may be too few packets a second."""
        began_us = self._began_us or 0
        return self._interval_us == 0 or not (self._activity.is_learned or stream_us - began_us > _LEARNS_AT_MOST_US)

    def _speaks(self, at_us: int) -> bool:
        recent = [before_us for before_us in self._contradicted if at_us - before_us < _CONTRADICTED_WITHIN_US]
        return self._activity.speaks and len(recent) < _CONTRADICTIONS

    def _is_quiet(self, at_us: int) -> bool:
        if self._within(self._moved_us, at_us, _QUIET_AFTER_US):
            return False
        if self._choice.mode is not DecodeMode.IDLE or self._choice.cause is DecodeCause.WAITS_TO_LEARN:
            return True  # of what is not learned yet nothing is a rise: leaving some out would make the rest look calm
        # while idle nobody looks between keyframes: what rises is not taken for quiet
        return self._activity.rise < self._activity.threshold

    def _see_keyframes(self, kind: PacketKind, stream_us: int) -> None:
        if kind is not PacketKind.KEYFRAME:
            self._between += 1
            return
        if self._keyframe_us is not None and stream_us > self._keyframe_us:
            # the longest of late: who sends keyframes when something happens sends none for long when nothing does;
            # bounded, since a stream whose time jumps is not to be decoded for hours
            apart_us = min(stream_us - self._keyframe_us, 2 * _KEYFRAMES_APART_US)
            self._interval_us = max(apart_us, self._interval_us * 3 // 4)
            self._between_last = self._between
        self._keyframe_us, self._between = stream_us, 0

    def _rose(self, at_us: int) -> None:
        self._heard_us = at_us
        if self._choice.mode is DecodeMode.IDLE:
            self._woken_us = at_us

    def _settle_wake(self, at_us: int) -> None:
        """A wake by packets was false where no picture moved until well after it."""
        if self._woken_us is None or at_us - self._woken_us < _HELD_BY_PACKETS_US:
            return
        if self._moved_us is None or self._moved_us < self._woken_us - _HELD_BY_PACKETS_US:
            self.false_wakes += 1
            self._activity.falsely_woken()
        self._woken_us = None

    @staticmethod
    def _within(since_us: int | None, at_us: int, span_us: int) -> bool:
        return since_us is not None and at_us - since_us <= span_us
