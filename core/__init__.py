"""What every part stands on: settings, errors, database, Redis, keys, clock, web. Knows none of the parts."""
