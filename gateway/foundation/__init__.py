"""What everything stands on: clock, settings, logging, calendars, state machines."""
