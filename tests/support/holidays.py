"""The holidays of eight countries in one year, from what each country publishes and not from our calendars."""

from __future__ import annotations

from datetime import date


def dates(*days: str) -> set[date]:
    """Days of 2026 or, where it is given, of another year."""
    return {date.fromisoformat(day if len(day) == 10 else f"2026-{day}") for day in days}


# The weekdays of 2026 on which offices are closed, from the published lists of each country.
CLOSED = {
    "FR": dates("01-01", "04-06", "05-01", "05-08", "05-14", "05-25", "07-14", "11-11", "12-25"),
    "ES": dates("01-01", "01-06", "04-03", "05-01", "10-12", "12-08", "12-25"),
    "IT": dates("01-01", "01-06", "04-06", "05-01", "06-02", "12-08", "12-25"),
    "PL": dates("01-01", "01-06", "04-06", "05-01", "06-04", "11-11", "12-24", "12-25"),
    "GR": dates("01-01", "01-06", "02-23", "03-25", "04-10", "04-13", "05-01", "06-01", "10-28", "12-25"),
    "AL": dates(
        "01-01", "01-02", "03-16", "03-20", "03-23", "04-06", "04-13", "05-01", "05-27", "09-07", "11-23", "11-30"
    )
    | dates("12-01", "12-08", "12-25"),
    "MA": dates(
        "01-01", "01-14", "05-01", "05-28", "05-29", "06-17", "07-30", "08-14", "08-20", "08-21", "08-26", "08-27"
    )
    | dates("11-06", "11-18"),
    "UA": set(),
}
