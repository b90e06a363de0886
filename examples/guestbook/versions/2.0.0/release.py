"""Version 2: an entry may be signed (`Ada: hello`), and the page shows who wrote how many."""

import time

VERSION = "2.0.0"
LONGEST_NAME = 40


def prepare(_entries):
    """Called once at start with every entry on the disk; raises when they cannot be served."""


def new_entry(text):
    """What is written of an entry: its fields, and its text."""
    # Seconds since the epoch instead of version 1's text: the page shows "5 minutes ago" from it.
    fields = {"written": str(int(time.time()))}
    guest, _, message = text.partition(": ")
    if message.strip() == "" or len(guest) > LONGEST_NAME or "\n" in guest:
        return fields, text
    return {**fields, "guest": guest.strip()}, message.strip()


def read_entry(entry):
    """An entry as it is served, whatever version wrote it: version 1 knew no guests."""
    return {"guest": "somebody", **entry}


def page(instance, greeting, entries):
    counts = {}
    for entry in entries:
        counts[entry["guest"]] = counts.get(entry["guest"], 0) + 1
    guests = ", ".join(f"{safe(guest)} ({count})" for guest, count in sorted(counts.items()))
    rows = "".join(
        f"<li><b>{safe(entry['guest'])}</b>: {safe(entry['text'])}"
        f" <small>{ago(entry['written'])}</small></li>"
        for entry in reversed(entries)
    )
    return (
        f"<!doctype html><title>Guestbook</title><h1>{safe(greeting)}</h1>"
        f"<p>Version {VERSION} on {safe(instance)}. Guests: {guests or 'none yet'}.</p><ul>{rows}</ul>"
    )


def ago(written):
    """Version 1 wrote the time as text, which is shown as it is."""
    if not written.isdigit():
        return written
    return f"{max(0, int(time.time()) - int(written)) // 60} minutes ago"


def safe(text):
    return text.replace("&", "&amp;").replace("<", "&lt;")
