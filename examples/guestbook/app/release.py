"""What differs between versions of the guestbook: an entry's format, the page, the start-up work."""

import html
import time

VERSION = "1.0.0"


def prepare(_entries):
    """Called once at start with every entry on the disk; raises when they cannot be served."""


def new_entry(text):
    return {"text": text, "written": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}


def read_entry(record):
    """An entry as it is served, whatever version wrote it."""
    return record


def page(instance, greeting, entries):
    rows = "".join(
        f"<li>{html.escape(entry['text'])} <small>{entry['written']}</small></li>"
        for entry in reversed(entries)
    )
    return (
        f"<!doctype html><title>Guestbook</title><h1>{html.escape(greeting)}</h1>"
        f"<p>Version {VERSION} on {html.escape(instance)}, its newest entries:</p><ul>{rows}</ul>"
    )
