"""Entries on the data disk: one file each, written once and never again."""

import os

FOLDER = os.environ.get("GUESTBOOK_DATA", "/var/lib/guestbook")
ENTRIES = os.path.join(FOLDER, "entries")


def prepare():
    os.makedirs(ENTRIES, exist_ok=True)
    # A crash in the middle of a write leaves a file nobody was told about.
    for name in os.listdir(ENTRIES):
        if name.endswith(".new"):
            os.unlink(os.path.join(ENTRIES, name))


def write(entry_id, content):
    """Returns when the entry would survive a power cut: file and folder are both synced."""
    path = os.path.join(ENTRIES, f"{entry_id}.json")
    with open(f"{path}.new", "xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.rename(f"{path}.new", path)
    folder = os.open(ENTRIES, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read(entry_id):
    """The entry's bytes, or None when there is no such entry."""
    try:
        with open(os.path.join(ENTRIES, f"{entry_id}.json"), "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def ids():
    """Every entry's id, oldest first: ids begin with the time they were made."""
    return sorted(name[:-5] for name in os.listdir(ENTRIES) if name.endswith(".json"))
