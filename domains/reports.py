"""From a table of measurements to a written report. One step in between nobody has written: the statistics.

`report(seattle, temp_max)` reads a CSV file, computes the statistics of a column, and writes the report. How to
compute them is left open on purpose: it is declared with what it is for and one example, and nothing else.
"""

import csv
from collections.abc import Sequence
from datetime import date
from math import isfinite
from pathlib import Path

from htn.domain import Domain
from htn.errors import ExecutionError
from htn.network import Task
from htn.state import State
from htn.unknown import Unknown

DATA = Path(__file__).parent / "data"
NAMES = {
    "precipitation": "precipitation, mm a day",
    "temp_max": "highest temperature of the day, °C",
    "temp_min": "lowest temperature of the day, °C",
    "wind": "wind, m/s",
}
_MOST_BYTES = 50_000_000

reports = Domain("reports")

NUMBERS = {"type": "array", "items": {"type": "number"}, "minItems": 1}
SUMMARY = {
    "type": "object",
    "properties": {
        "count": {"type": "integer", "minimum": 1},
        "minimum": {"type": "number"},
        "maximum": {"type": "number"},
        "mean": {"type": "number"},
        "median": {"type": "number"},
    },
}
reports.variable("path", "string", "where the CSV file of a table lies")
reports.variable("columns", {"type": "array", "items": {"type": "string"}}, "a table's columns that hold numbers")
reports.variable("table", {"type": "object", "additionalProperties": NUMBERS}, "a table's numbers by column")
reports.variable("period", "string", "the first and the last day in a table")
reports.variable("statistics", SUMMARY, "what the numbers of a column say; the key is file, column")
reports.variable("text", "string", "the report that was written about a table")
reports.result("text")

reports.declare(
    "column_statistics",
    {"file": "string", "column": "string"},
    """Compute what the numbers of one column of a table say: how many there are (count), the smallest (minimum)
    and the largest (maximum), the arithmetic mean (mean), and the median (median). Put them into
    statistics[file, column].""",
)
reports.example(
    "column_statistics",
    "tides",
    "height",
    given={"columns": {"tides": ["height"]}, "table": {"tides": {"height": [4.0, 1.0, 3.0, 2.5]}}},
    then={
        "statistics": {("tides", "height"): {"count": 4, "minimum": 1.0, "maximum": 4.0, "mean": 2.625, "median": 2.75}}
    },
)


@reports.initial_state
def bundled_tables() -> State:
    """The tables that come with the domain: daily weather of two cities, 2012 to 2015 (NOAA, public domain)."""
    files = sorted(DATA.glob("*.csv"))
    return State(
        path={file.stem: str(file) for file in files},
        columns={file.stem: _number_columns(file) for file in files},
        table={},
        period={},
        statistics={},
        text={},
    )


@reports.operator
def read_table(state: State, file: str) -> State | None:
    """The table is read from its CSV file; what is in it only the run will know."""
    if file not in state.path:
        return None
    state.table[file] = Unknown(f"what is in {state.path[file]}")
    return state


@reports.operator
def write_report(state: State, file: str, *columns: str) -> State | None:
    """The report about these columns is written."""
    if any((file, column) not in state.statistics for column in columns):
        return None
    state.text[file] = Unknown(f"the report about {file}")
    return state


@reports.method("report")
def from_statistics(state: State, file: str, *columns: str) -> Sequence[Task] | None:
    """Read the table, compute the statistics of each column (of all when none is named), write the report."""
    if file not in state.columns:
        return None
    chosen = columns or state.columns[file]
    computed = [("column_statistics", file, column) for column in chosen]
    return [("read_table", file), *computed, ("write_report", file, *chosen)]


@reports.command("read_table")
def read_csv(state: State, file: str) -> State:
    """Read the CSV file. A column with an entry that is no number is left out."""
    path = Path(state.path[file])
    rows = _rows(path)
    state.table[file] = {column: _numbers(rows, column) for column in _number_columns(path)}
    days = sorted(day for row in rows if (day := _day(row.get("date", ""))))
    state.period[file] = f"{days[0]} to {days[-1]}" if days else f"{len(rows)} rows"
    return state


@reports.command("write_report")
def write_markdown(state: State, file: str, *columns: str) -> State:
    """Write the report as Markdown."""
    title = file.replace("_", " ").title()
    lines = [
        f"# {title}, {state.period[file]}",
        "",
        "| | days | lowest | mean | median | highest |",
        "|---|---|---|---|---|---|",
    ]
    for column in columns:
        s = state.statistics[file, column]
        figures = " | ".join(f"{s[name]:.1f}" for name in ("minimum", "mean", "median", "maximum"))
        lines.append(f"| {NAMES.get(column, column)} | {s['count']} | {figures} |")
    state.text[file] = "\n".join(lines)
    return state


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ExecutionError(f"{path} is larger than {_MOST_BYTES:,} bytes")
        with path.open(newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ExecutionError(f"cannot read the table {path}: {error}") from error
    if not rows:
        raise ExecutionError(f"the table {path} has no rows")
    return rows


def _number_columns(path: Path) -> list[str]:
    rows = _rows(path)
    return [column for column in rows[0] if column and all(_is_number(row[column]) for row in rows)]


def _is_number(text: str | None) -> bool:
    try:
        return isfinite(float(text or ""))
    except ValueError:
        return False


def _numbers(rows: list[dict[str, str]], column: str) -> list[float]:
    return [float(row[column]) for row in rows]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
