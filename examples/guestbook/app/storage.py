"""Entries on the data disk: one file each, written once and never again.

A file is a few `name: value` lines, an empty line, and the text. A newer version may add names.
"""

import os

FOLDER = os.environ.get("GUESTBOOK_DATA", "/var/lib/guestbook")
ENTRIES = os.path.join(FOLDER, "entries")


def prepare():
    os.makedirs(ENTRIES, exist_ok=True)
    # A crash in the middle of a write leaves a file nobody was told about.
    for name in os.listdir(ENTRIES):
        if name.endswith(".new"):
            os.unlink(os.path.join(ENTRIES, name))


def write(entry_id, fields, text):
    """Returns when the entry would survive a power cut: file and folder are both synced."""
    path = os.path.join(ENTRIES, f"{entry_id}.entry")
    head = "".join(f"{name}: {value}\n" for name, value in fields.items())
    with open(f"{path}.new", "xb") as file:
        file.write(f"{head}\n{text}".encode())
        file.flush()
        os.fsync(file.fileno())
    os.rename(f"{path}.new", path)
    folder = os.open(ENTRIES, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read(entry_id):
    """The entry as a dict of strings, its text among them; None when there is no such entry."""
    try:
        with open(os.path.join(ENTRIES, f"{entry_id}.entry"), "rb") as file:
            head, _, text = file.read().decode().partition("\n\n")
    except FileNotFoundError:
        return None
    fields = dict(line.split(": ", 1) for line in head.split("\n"))
    return {"id": entry_id, **fields, "text": text}


def ids():
    """Every entry's id, oldest first: ids begin with the time they were made."""
    return sorted(name[:-6] for name in os.listdir(ENTRIES) if name.endswith(".entry"))
