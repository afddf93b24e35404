"""The figures by which observations become events."""

from dataclasses import dataclass, field

from watchpost.settings import Scope, SiteSettings, version_of
from watchpost.vision.tracking import TrackingRules

__all__ = ["AnswerRules", "EventRules", "FallRules", "FollowRules", "ZoneRules", "rules_from"]


@dataclass(frozen=True, slots=True)
class FallRules:
    """When a fall is a fall. Heights are shares of the person's own usual height in the picture.

    Args:
        drop: the box's top sinks by at least this much ...
        drop_within_s: ... within this time: that arms the track ...
        not_higher: a box higher than this many usual heights has taken in somebody else and says nothing ...
        not_rising: nor does one whose top has risen by more than this share since the sighting before ...
        armed_s: ... for this long; who lies down slowly never arms it.
        low: someone lying has a top at least this far below where it was.
        confirm_s: lying this long confirms the fall (0.4 s alarms on sitting down, `docs/adr/0007-falls.md`).
        confirm_share: of the frames in that window, this share shows the person lying (boxes flicker on the lying).
        upright_s: upright for this long ends a confirmed fall, and withdraws a candidate.
        lost_s: nothing seen of the person for this long ends it too.
        adopted_s: who lies where somebody was lost no longer ago than this is that person ...
        adopted_reach: ... where the old box, wider on all sides by this share, meets the new one.
        cool_down_s: after a fall the same person raises none for this long, nor does anybody in the same place.

    """

    drop: float = 0.35
    drop_within_s: float = 1.2
    not_higher: float = 1.35
    not_rising: float = 0.25
    armed_s: float = 3.0
    low: float = 0.30
    confirm_s: float = 0.6
    confirm_share: float = 0.5
    upright_s: float = 1.0
    lost_s: float = 10.0
    adopted_s: float = 2.0
    adopted_reach: float = 0.3
    cool_down_s: float = 20.0


@dataclass(frozen=True, slots=True)
class ZoneRules:
    """When who is in a zone is told of; how many for how long is the zone's own (`Zone.people`, `Zone.after_s`).

    Args:
        candidate_share: after this share of the zone's time a candidate is told.
        left_s: outside for this long ends an intrusion, and too few for this long a crowd.
        away_s: who loiters may be outside for this long: their time in the zone goes on afterwards.
        lost_s: nothing seen of the person for this long ends it too; until then who appears where they were lost is
            that person ...
        adopted_reach: ... where the old box, wider on all sides by this share, meets the new one.
        cool_down_s: after an event the same person, or who appears where they were lost, raises none in that zone for
            this long, and the same zone no second crowd; after a withdrawn candidate no second candidate.

    """

    candidate_share: float = 0.5
    left_s: float = 3.0
    away_s: float = 10.0
    lost_s: float = 5.0
    adopted_reach: float = 0.5
    cool_down_s: float = 20.0


@dataclass(frozen=True, slots=True)
class AnswerRules:
    """When answers to a question make an event.

    Args:
        needed: so many answers at the question's threshold or above confirm it ...
        of: ... among this many; where it takes more of them to span the time, the same share of these.
        span_s: from the first answer that counts to the last it is at least this long.
        candidate_share: at this share of what it takes a candidate is told.
        hysteresis: what is this far below the threshold (half of a lower one) counts against it.
        lost_s: without an answer for this long an event ends, and older answers count no more.
        cool_down_s: after an event the same task opens none for this long; after a withdrawn candidate no second one.
        fall_threshold: of the built-in question after falls, where no detector runs alongside.

    """

    needed: int = 3
    of: int = 5
    span_s: float = 1.0
    candidate_share: float = 0.5
    hysteresis: float = 0.1
    lost_s: float = 30.0
    cool_down_s: float = 20.0
    fall_threshold: float = 0.5


@dataclass(frozen=True, slots=True)
class FollowRules:
    """When ingest is asked for pictures of somebody who may keep still.

    Args:
        sightings: who was seen this often ...
        known_s: ... over at least this time is followed: a false detection of some frames keeps no camera awake.
        every_s: asked again in each such span of the stream's time, as long as a track of somebody followed lives ...
        after_ms: ... and each time for so long; so that is how long pictures still come after the last such track.

    """

    sightings: int = 3
    known_s: float = 1.0
    every_s: float = 2.0
    after_ms: int = 5_000


@dataclass(frozen=True, slots=True)
class EventRules:
    """Everything that turns one camera's observations into events.

    Args:
        config_version: goes into each event's provenance.
        count_interval_s: a person_count sample at least this often, as long as frames come.
        count_settle_s: a changed count is believed when it has held this long.
        burst_before_ms: what a confirmed event asks of ingest: full rate from this long before it ...
        burst_after_ms: ... to this long after it.
        full_every_s: where the uplink is `full`, analysed frames go up no more often than this.
        uplink_width_px: how wide the pictures are that ingest marked to go up.
        clip_store: where clips go up to; None: they stay at the site.
        fall: the fall rule.
        zone: the rules of intrusion, loitering and crowds.
        answers: the rules of tasks in words.
        tracking: how boxes are joined into people.
        follow: when ingest is asked for pictures of them though nothing moves.

    """

    config_version: str
    count_interval_s: float = 10.0
    count_settle_s: float = 0.6
    burst_before_ms: int = 10_000
    burst_after_ms: int = 10_000
    full_every_s: float = 1.0
    uplink_width_px: int = 640
    clip_store: str | None = None
    fall: FallRules = field(default_factory=FallRules)
    zone: ZoneRules = field(default_factory=ZoneRules)
    answers: AnswerRules = field(default_factory=AnswerRules)
    tracking: TrackingRules = field(default_factory=TrackingRules)
    follow: FollowRules = field(default_factory=FollowRules)


def rules_from(settings: SiteSettings) -> EventRules:
    """The rules that a site's settings ask for."""
    events = settings.events
    return EventRules(
        config_version=version_of(settings, Scope.EVENTS),
        count_interval_s=events.count_interval_s,
        clip_store=settings.central.clips.upload if settings.central else None,
        fall=FallRules(confirm_s=events.fall_confirm_ms / 1000, cool_down_s=events.cool_down_s),
        zone=ZoneRules(cool_down_s=events.cool_down_s),
        answers=AnswerRules(
            needed=events.answers_needed,
            of=events.answers_of,
            span_s=events.answers_span_ms / 1000,
            cool_down_s=events.cool_down_s,
        ),
    )
