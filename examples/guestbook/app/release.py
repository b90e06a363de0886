"""What differs between versions of the guestbook: an entry's fields, the page, the start-up work."""

import time

VERSION = "1.0.0"


def prepare(_entries):
    """Called once at start with every entry on the disk; raises when they cannot be served."""


def new_entry(text):
    """What is written of an entry: its fields, and its text."""
    return {"written": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}, text


def read_entry(entry):
    """An entry as it is served, whatever version wrote it."""
    return entry


def page(instance, greeting, entries):
    rows = "".join(
        f"<li>{safe(entry['text'])} <small>{entry['written']}</small></li>"
        for entry in reversed(entries)
    )
    return (
        f"<!doctype html><title>Guestbook</title><h1>{safe(greeting)}</h1>"
        f"<p>Version {VERSION} on {safe(instance)}, its newest entries:</p><ul>{rows}</ul>"
    )


def safe(text):
    return text.replace("&", "&amp;").replace("<", "&lt;")
