"""Version 2: an entry may be signed (`Ada: hello`), and the page shows how many each guest wrote."""

import html
import time

VERSION = "2.0.0"


def prepare(_entries):
    """Called once at start with every entry on the disk; raises when they cannot be served."""


def new_entry(text):
    guest, colon, message = text.partition(":")
    if colon == "" or len(guest) > 40 or message.strip() == "":
        guest, message = None, text
    # Seconds since the epoch instead of version 1's text: the page shows "5 minutes ago" from it.
    return {"format": 2, "guest": guest, "text": message.strip(), "written": int(time.time())}


def read_entry(record):
    """An entry as it is served, whatever version wrote it: version 1 knew no guests."""
    return record if record.get("format") == 2 else {**record, "guest": None}


def page(instance, greeting, entries):
    counts = {}
    for entry in entries:
        guest = entry["guest"] or "somebody"
        counts[guest] = counts.get(guest, 0) + 1
    guests = ", ".join(f"{html.escape(guest)} ({count})" for guest, count in sorted(counts.items()))
    rows = "".join(
        f"<li><b>{html.escape(entry['guest'] or 'somebody')}</b>: {html.escape(entry['text'])}"
        f" <small>{ago(entry['written'])}</small></li>"
        for entry in reversed(entries)
    )
    return (
        f"<!doctype html><title>Guestbook</title><h1>{html.escape(greeting)}</h1>"
        f"<p>Version {VERSION} on {html.escape(instance)}. Guests: {guests or 'none yet'}.</p>"
        f"<ul>{rows}</ul>"
    )


def ago(written):
    if isinstance(written, str):
        return written
    return f"{max(0, int(time.time()) - written) // 60} minutes ago"
