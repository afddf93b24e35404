"""Shows a person what an audit found: a line for each site's topic, partitions only where something is wrong."""

import shutil
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from watchpost.audit.delays import Delays
from watchpost.audit.report import Report, TopicFinding

__all__ = ["show"]

# what the table takes: rich would break its words to fit them into the 80 that a pipe is said to have
_LEAST_COLUMNS = 120
_SECONDS_FROM_MS = 10_000
_MINUTE_MS = 60_000


def show(report: Report) -> None:
    """Write `report` to standard output."""
    console = Console(highlight=False, width=max(_LEAST_COLUMNS, shutil.get_terminal_size().columns))
    console.print(_table(report))
    for found in report.topics:
        for line in _lines(found):
            # whole lines, for grep and for copying
            console.print(Text(f"{found.site or '(no site)'}, {_short(found)}: ", "bold") + line, soft_wrap=True)
    console.print(report.verdict, style="green" if report.is_explained else "bold red", soft_wrap=True)


def _lines(found: TopicFinding) -> Iterator[Text]:
    faults = found.fault_lines()
    yield from (Text(line, "red") for line in faults)
    yield from (Text(line) for line in (found.tally.examples if faults else ()))
    yield from (Text(line) for line in found.notes)
    for cause, lost in found.announced:
        yield Text(f"announced gap: {cause}" + ("" if lost is None else f", offsets {lost.first} to {lost.end - 1}"))


def _table(report: Report) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("site", no_wrap=True)
    table.add_column("topic", no_wrap=True)
    for name in ("records", "missing", "twice", "reordered", "gaps told", "p50", "p95", "p99", "max"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for found in report.topics:
        tally = found.tally
        counts = (tally.records, found.missing_records, found.repeated_records, tally.out_of_order)
        table.add_row(
            found.site or "(no site)",
            _short(found),
            *(f"{count:,}" for count in (*counts, len(found.announced))),
            *_delays(tally.delays),
            "[red]NOT explained[/red]" if found.fault_lines() else "[green]accounted for[/green]",
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
