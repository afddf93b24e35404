"""A clock that tests set."""

from datetime import UTC, datetime, timedelta

__all__ = ["SetClock"]


class SetClock:
    """Stands still until it is told.

    Example:
        clock = SetClock()
        clock.pass_s(60)

    """

    def __init__(self, at: datetime = datetime(2026, 1, 5, 12, tzinfo=UTC)) -> None:
        self.at = at

    def now(self) -> datetime:
        """What it was set to."""
        return self.at

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        self.at += timedelta(seconds=seconds)
