"""Version 3 sorts the page by day, and has a bug that only real data shows.

Its start-up work takes `written` for version 1's text; version 2's entries hold a number there. On
an empty disk, or on one with version 1's entries alone, it is healthy, so every test on a fresh VM
passes. The work is done in memory: no entry on the disk is touched before it fails.
"""

import time

VERSION = "3.0.0"

BY_DAY = {}


def prepare(entries):
    """Called once at start with every entry on the disk; raises when they cannot be served."""
    for entry in entries:
        try:
            written = time.strptime(entry["written"], "%Y-%m-%dT%H:%M:%SZ")
        except ValueError as error:
            raise ValueError(f"entry {entry['id']}: {error}") from error
        BY_DAY.setdefault(time.strftime("%A, %d %B", written), []).append(entry)


def new_entry(text):
    """What is written of an entry: its fields, and its text."""
    now = time.gmtime()
    BY_DAY.setdefault(time.strftime("%A, %d %B", now), []).append({"text": text})
    return {"written": time.strftime("%Y-%m-%dT%H:%M:%SZ", now)}, text


def read_entry(entry):
    """An entry as it is served, whatever version wrote it."""
    return {"guest": "somebody", **entry}


def page(instance, greeting, _entries):
    days = "".join(
        f"<h2>{day}</h2><ul>{''.join(row(entry) for entry in entries)}</ul>"
        for day, entries in BY_DAY.items()
    )
    return (
        f"<!doctype html><title>Guestbook</title><h1>{safe(greeting)}</h1>"
        f"<p>Version {VERSION} on {safe(instance)}.</p>{days}"
    )


def row(entry):
    return f"<li><b>{safe(entry.get('guest', 'somebody'))}</b>: {safe(entry['text'])}</li>"


def safe(text):
    return text.replace("&", "&amp;").replace("<", "&lt;")
