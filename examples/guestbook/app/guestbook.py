"""The guestbook: anyone may leave an entry, and the instance that took it keeps it.

    GET  /healthz        200 while this instance can serve its entries
    GET  /version        which version of the app answers, on which instance
    POST /entries        takes the body as an entry: 201 with its id and this instance
    GET  /entries        this instance's entries
    GET  /entries/<id>   one of them
    GET  /               the same for people
"""

import os
import time

import release
import storage
from http_server import Response, Server
from json_text import to_json

ENTRIES_ON_PAGE = 20
INSTANCE = os.uname().nodename
ENTRY_ID = frozenset("0123456789abcdef-")


class Guestbook:
    def __init__(self):
        self.trouble = None
        storage.prepare()
        try:
            release.prepare(entry(entry_id) for entry_id in storage.ids())
        except Exception as error:
            # Stay up and say so: whoever looks gets the reason, and the health probe gets its 503.
            self.trouble = f"version {release.VERSION} cannot use the entries on the disk: {error}"
            print(self.trouble, flush=True)

    def answer(self, request):
        if request.path == "/version":
            return as_json(200, {"version": release.VERSION, "instance": INSTANCE})
        if self.trouble is not None:
            return as_json(503, {"error": self.trouble, "instance": INSTANCE})
        if request.path == "/healthz":
            return as_json(200, {"status": "healthy", "instance": INSTANCE})
        if request.path == "/entries" and request.method == "POST":
            return self.sign(request.body)
        if request.method not in ("GET", "HEAD"):
            return as_json(405, {"error": f"{request.method} is not possible here"})
        if request.path == "/entries":
            entries = [entry(entry_id) for entry_id in storage.ids()]
            return as_json(200, {"instance": INSTANCE, "entries": entries})
        if request.path == "/":
            newest = [entry(entry_id) for entry_id in storage.ids()[-ENTRIES_ON_PAGE:]]
            page = release.page(INSTANCE, os.environ.get("GREETING", "Welcome"), newest)
            return Response(200, page, "text/html")
        entry_id = request.path.removeprefix("/entries/")
        found = entry(entry_id) if ENTRY_ID.issuperset(entry_id) else None
        return as_json(404, {"error": "no such thing"}) if found is None else as_json(200, found)

    def sign(self, body):
        text = body.decode("utf-8", "replace").strip()
        if text == "":
            return as_json(400, {"error": "an entry needs a text"})
        entry_id = f"{time.time_ns() // 1000:016d}-{os.urandom(3).hex()}"
        fields, text = release.new_entry(text)
        storage.write(entry_id, {"instance": INSTANCE, **fields}, text)
        return as_json(201, {"id": entry_id, "instance": INSTANCE})


def entry(entry_id):
    found = storage.read(entry_id)
    return None if found is None else release.read_entry(found)


def as_json(status, value):
    return Response(status, to_json(value) + "\n")


if __name__ == "__main__":
    Server(Guestbook().answer).run(int(os.environ.get("PORT", "8080")))
