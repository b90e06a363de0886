"""Version 3 sorts the page by day, and has a bug that only real data shows.

Its start-up work takes `written` for version 1's text. On an empty disk, or on one with version 1's
entries only, it is healthy, so every test on a fresh VM passes; version 2's entries hold a number
there. The work is done in memory: no entry on the disk is touched before it fails.
"""

import html
import time

VERSION = "3.0.0"

BY_DAY = {}


def prepare(entries):
    """Called once at start with every entry on the disk; raises when they cannot be served."""
    for entry in entries:
        try:
            day = entry["written"][:10]
        except TypeError as error:
            raise ValueError(f"entry {entry['id']}: day of {entry['written']!r}: {error}") from error
        BY_DAY.setdefault(day, []).append(entry)


def new_entry(text):
    record = {"format": 3, "guest": None, "text": text, "written": today()}
    BY_DAY.setdefault(record["written"], []).append(record)
    return record


def read_entry(record):
    return {"guest": None, **record}


def page(instance, greeting, _entries):
    days = "".join(
        f"<h2>{day}</h2><ul>{''.join(row(entry) for entry in entries)}</ul>"
        for day, entries in sorted(BY_DAY.items(), reverse=True)
    )
    return (
        f"<!doctype html><title>Guestbook</title><h1>{html.escape(greeting)}</h1>"
        f"<p>Version {VERSION} on {html.escape(instance)}.</p>{days}"
    )


def row(entry):
    return f"<li><b>{html.escape(entry['guest'] or 'somebody')}</b>: {html.escape(entry['text'])}</li>"


def today():
    return time.strftime("%Y-%m-%d", time.gmtime())
