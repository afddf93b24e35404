"""Marks the frames that are to go up as pictures, so that what comes of a frame later depends on that frame alone."""

from typing import assert_never

import numpy as np

from watchpost.contracts.camera_parts import UplinkMode, UplinkReason
from watchpost.vision.motion import Blocks, are_alike, changed_blocks

__all__ = ["UplinkGate"]

_PERIOD_US = 1_000_000
# pictures of one a second come a little early or late: without this every second one would be passed over
_EARLY_US = 100_000
_NOW_AND_THEN_US = 60_000_000
_CHANGED_SHARE = 0.1


class UplinkGate:
    """Watches the frames of one camera that are to be published, in order.

    gate = UplinkGate()
    reason = gate.reason_for(mode, blocks, at_us)
    gate.published()                          # if it was: else the next one is asked after in its place

    At most one a second is marked. In the mode `differential` that is one of which a tenth of the blocks changed since
    the last one that was marked, however slowly, and one a minute whatever changes: a picture of now.
    """

    def __init__(self) -> None:
        self._sent: Blocks | None = None
        self._sent_us = 0
        self._slot_us = 0
        self._marked: tuple[Blocks, int] | None = None

    def reason_for(self, mode: UplinkMode, blocks: Blocks, at_us: int) -> UplinkReason | None:
        """Why the frame of these blocks, captured at `at_us`, is to go up; None: it is not."""
        reason = self._reason(mode, blocks, at_us)
        self._marked = None if reason is None else (blocks, at_us)
        return reason

    def published(self) -> None:
        """The frame asked after last was published: if it was marked, it goes up."""
        if self._marked is None:
            return
        (blocks, at_us), self._marked = self._marked, None
        in_time = at_us - self._slot_us < 2 * _PERIOD_US
        self._slot_us = self._slot_us + _PERIOD_US if in_time else at_us
        self._sent, self._sent_us = blocks, at_us

    def _reason(self, mode: UplinkMode, blocks: Blocks, at_us: int) -> UplinkReason | None:
        match mode:
            case UplinkMode.METADATA | UplinkMode.FULL:
                # of `full` the frame itself says enough: it goes up once it was analysed
                self._sent = None
                return None
            case UplinkMode.SAMPLED:
                return UplinkReason.SAMPLED if self._is_due(at_us) else None
            case UplinkMode.DIFFERENTIAL:
                return self._differential(blocks, at_us) if self._is_due(at_us) else None
            case other:
                assert_never(other)

    def _is_due(self, at_us: int) -> bool:
        return at_us - self._slot_us >= _PERIOD_US - _EARLY_US

    def _differential(self, blocks: Blocks, at_us: int) -> UplinkReason | None:
        before = self._sent
        if before is None or not are_alike(before, blocks) or at_us - self._sent_us >= _NOW_AND_THEN_US:
            return UplinkReason.SAMPLED
        seen = np.count_nonzero(~np.isnan(blocks))
        changed = np.count_nonzero(changed_blocks(blocks, before))
        return UplinkReason.CHANGED if changed and changed >= _CHANGED_SHARE * seen else None
