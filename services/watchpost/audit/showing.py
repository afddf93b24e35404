"""Shows a person what an audit found: a line for each site's topic, partitions only where something is wrong."""

from rich.console import Console
from rich.table import Table

from watchpost.audit.delays import Delays
from watchpost.audit.report import Report, TopicFinding

__all__ = ["show"]

_SECONDS_FROM_MS = 10_000
_MINUTE_MS = 60_000


def show(report: Report) -> None:
    """Write `report` to standard output."""
    # a pipe has no width: lines for `grep` must not be broken at 80
    console = Console(soft_wrap=True, highlight=False)
    console.print(_table(report), soft_wrap=False, width=None if console.is_terminal else 160)
    for found in report.topics:
        for line in (*found.fault_lines(), *(found.tally.examples if found.fault_lines() else ())):
            console.print(f"[red]{found.site or '(no site)'}, {_short(found)}:[/red] {line}", markup=True)
        for line in found.notes:
            console.print(f"{found.site}, {_short(found)}: {line}")
        for cause, lost in found.announced:
            what = "" if lost is None else f", offsets {lost.first} to {lost.end - 1}"
            console.print(f"{found.site}, {_short(found)}: announced gap ({cause}{what})")
    console.print(report.verdict, style="green" if report.is_explained else "bold red")


def _table(report: Report) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("site")
    table.add_column("topic")
    for name in (
        "records",
        "missing",
        "twice",
        "out of order",
        "gaps told",
        "repeats left out",
        "p50",
        "p95",
        "p99",
        "max",
    ):
        table.add_column(name, justify="right")
    table.add_column("")
    for found in report.topics:
        tally = found.tally
        counts = (tally.records, found.missing_records, found.repeated_records, tally.out_of_order)
        table.add_row(
            found.site or "(no site)",
            _short(found),
            *(f"{count:,}" for count in (*counts, len(found.announced), tally.dropped)),
            *_delays(tally.delays),
            "[red]NOT explained[/red]" if found.fault_lines() else "[green]gapless[/green]",
        )
    return table


def _delays(delays: Delays) -> list[str]:
    known = [delays.percentile_ms(percent) for percent in (50, 95, 99)]
    return [_words(delay_ms) for delay_ms in (*known, delays.max_ms if delays.count else None)]


def _words(delay_ms: int | None) -> str:
    if delay_ms is None:
        return "-"
    if delay_ms < _SECONDS_FROM_MS:
        return f"{delay_ms} ms"
    return f"{delay_ms / 1000:.0f} s" if delay_ms < 10 * _MINUTE_MS else f"{delay_ms / _MINUTE_MS:.0f} min"


def _short(found: TopicFinding) -> str:
    return found.topic.split(".")[1] if "." in found.topic else found.topic
