"""The data of one region: countries, corridors, procedures, corridor policies, calendars, published statistics."""
