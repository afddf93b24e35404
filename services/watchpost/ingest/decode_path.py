"""One camera's packets into the pictures that are worth decoding, and the past that commands ask for."""

from collections.abc import Iterator

from watchpost.contracts.camera_parts import SOFTWARE
from watchpost.contracts.records import CameraId
from watchpost.errors import SourceError
from watchpost.ingest.decode_choice import Choice, DecodeChooser, DecodeMode, choice_rules
from watchpost.ingest.decode_meter import DecodeMeter
from watchpost.ingest.decoder_fallbacks import Fallback
from watchpost.ingest.decoders import Decoders
from watchpost.ingest.decoding import Decoding
from watchpost.ingest.learning_places import LearningPlaces
from watchpost.ingest.packet_kinds import kind_of
from watchpost.ingest.packet_ring import PacketRing
from watchpost.ingest.packets import CodedPacket, DecodedPicture, Stamp
from watchpost.ingest.past import Past
from watchpost.ingest.recovery_points import is_slow_to_recover
from watchpost.ingest.wishes import Wishes
from watchpost.settings import IngestSettings
from watchpost.telemetry import metrics

__all__ = ["DecodePath"]


class DecodePath:
    """Ring, choice and decoder of one camera. For the camera's thread.

    for outcome in path.outcomes(coded, stamp):
        …                              # a picture, or why there is none
        path.looked(stamp.captured_us, moving=…)
    """

    def __init__(
        self,
        camera: CameraId,
        ingest: IngestSettings,
        wishes: Wishes,
        places: LearningPlaces,
        decoder: str = SOFTWARE,
    ) -> None:
        self._wishes = wishes
        self._ring = PacketRing(round(ingest.ring_s * 1_000_000), ingest.ring_max_bytes)
        self._chooser = DecodeChooser(choice_rules(ingest), places)
        self._decoders = Decoders(camera, decoder)
        self._decoding = Decoding(self._ring, self._decoders)
        self._meter = DecodeMeter(camera)
        self._ring_bytes = metrics.RING_BYTES.labels(camera)

    @property
    def choice(self) -> Choice:
        """How much is decoded, as of the last packet."""
        return self._chooser.choice

    @property
    def may_rest_us(self) -> int:
        """How long what comes may lie unread, as of the last packet."""
        return self._chooser.may_rest_us

    @property
    def fallback(self) -> Fallback | None:
        """Why software decodes where hardware was asked for; readable from any thread."""
        return self._decoders.fallback

    @property
    def ring_bytes(self) -> int:
        """Bytes of coded packets kept for what came before."""
        return self._ring.size_bytes

    def disconnected(self) -> None:
        """No packet comes for now."""
        self._chooser.disconnected()

    def reconnected(self) -> None:
        """The next packet has nothing to do with those before."""
        self._ring.clear()
        self._chooser.reconnected()
        self._decoding.reconnected()

    def outcomes(self, coded: CodedPacket, stamp: Stamp) -> Iterator[DecodedPicture | SourceError]:
        """The pictures that this packet gives, those of the seconds before included where the camera wakes.

        What the caller does with each counts as its cost.
        """
        self._ring.add(coded, stamp)
        if coded.size_bytes:
            self._choose(coded, stamp.captured_us)
            self._meter.false_wakes(self._chooser.false_wakes)
        if coded.is_keyframe:
            self._ring_bytes.set(self._ring.size_bytes)
            if is_slow_to_recover(coded):
                self._chooser.keyframe_decoded(gave_picture=False)
        gave_picture = False
        decodes = coded.is_keyframe or self.choice.mode is not DecodeMode.IDLE
        with self._meter.under(self.choice, decodes=decodes):
            for outcome in self._decoding.outcomes(coded, stamp, self.choice):
                gave_picture |= isinstance(outcome, DecodedPicture)
                yield outcome
        if self._decoding.tried_alone:
            self._chooser.keyframe_decoded(gave_picture=gave_picture)

    def _choose(self, coded: CodedPacket, at_us: int) -> None:
        self._chooser.packet(
            kind_of(coded),
            coded.size_bytes,
            at_us,
            coded.stream_us,
            commanded=self._wishes.are_open(at_us),
            followed=self._wishes.follows(at_us),
        )

    def looked(self, at_us: int, *, moving: bool) -> None:
        """What a picture showed that was taken then."""
        self._chooser.picture(at_us, moving=moving)

    def past(self, coded: CodedPacket, stamp: Stamp) -> Past | None:
        """What a new command wants of the time before this packet."""
        since_us = self._wishes.past()
        if since_us is None:
            return None
        return Past(self._ring.since(since_us, coded.decoder), since_us, stamp.captured_us)
