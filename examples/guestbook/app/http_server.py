"""A small HTTP/1.1 server: one thread per connection, keep-alive, and a clean end on SIGTERM.

The standard library's http.server would do as well; importing it takes longer than all of this app,
which shows at each start on an emulated CPU.
"""

import signal
import socket
import threading

MAX_HEAD_BYTES = 16 * 1024
MAX_BODY_BYTES = 64 * 1024
# A client that is silent this long between requests is hung up on.
IDLE_SECONDS = 75
# Open requests may take this long to finish once the service is told to stop.
STOP_SECONDS = 5

REASONS = {
    200: "OK",
    201: "Created",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    411: "Length Required",
    413: "Content Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class Request:
    def __init__(self, method, path, body, keep_alive):
        self.method = method
        self.path = path
        self.body = body
        self.keep_alive = keep_alive


class Response:
    def __init__(self, status, body, content_type="application/json"):
        self.status = status
        self.body = body if isinstance(body, bytes) else body.encode()
        self.content_type = content_type


class Refused(Exception):
    """The request cannot be read any further: answer with this status and hang up."""

    def __init__(self, status, sentence):
        super().__init__(sentence)
        self.status = status


class Stop(Exception):
    """Raised by SIGTERM in the main thread."""


class Server:
    def __init__(self, answer):
        """`answer` takes a Request and returns a Response."""
        self.answer = answer
        self.stopping = False
        self.open_requests = 0
        self.changed = threading.Condition()

    def run(self, port):
        """Serves until SIGTERM or SIGINT, then lets open requests finish. Port 0 picks a free one."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("", port))
        listener.listen(128)
        print(f"listening on port {listener.getsockname()[1]}", flush=True)
        try:
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()
        except Stop:
            pass
        listener.close()
        with self.changed:
            self.changed.wait_for(lambda: self.open_requests == 0, STOP_SECONDS)

    def _stop(self, _signal, _frame):
        # Once: a second signal must not break the wait for open requests.
        if not self.stopping:
            self.stopping = True
            raise Stop

    def _talk(self, connection):
        try:
            connection.settimeout(IDLE_SECONDS)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            received = b""
            while not self.stopping:
                while b"\r\n\r\n" not in received:
                    more = connection.recv(8192)
                    if not more:
                        return
                    received += more
                    if len(received) > MAX_HEAD_BYTES + MAX_BODY_BYTES:
                        return
                with self._counted():
                    received, keep_alive = self._exchange(connection, received)
                if not keep_alive:
                    return
        except OSError:
            pass  # The client went away, or was silent for too long.
        finally:
            connection.close()

    def _exchange(self, connection, received):
        """Answers one request. Returns what was received beyond it, and whether to go on."""
        try:
            request, rest = read_request(connection, received)
        except Refused as refused:
            send(connection, Response(refused.status, f"{refused}\n", "text/plain"), False, True)
            return b"", False
        try:
            response = self.answer(request)
        except Exception as error:  # A bug in the app costs one request, not the service.
            print(f"{request.method} {request.path}: {error!r}", flush=True)
            response = Response(500, "internal error\n", "text/plain")
        keep_alive = request.keep_alive and not self.stopping
        send(connection, response, keep_alive, request.method != "HEAD")
        return rest, keep_alive

    def _counted(self):
        return _Counted(self)


class _Counted:
    """While inside, one request is open."""

    def __init__(self, server):
        self.server = server

    def __enter__(self):
        with self.server.changed:
            self.server.open_requests += 1

    def __exit__(self, *_):
        with self.server.changed:
            self.server.open_requests -= 1
            self.server.changed.notify_all()


def read_request(connection, received):
    head, _, rest = received.partition(b"\r\n\r\n")
    request_line, *lines = head.decode("latin-1").split("\r\n")
    words = request_line.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise Refused(400, "the request line is not HTTP/1.x")
    method, target, protocol = words
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    if "transfer-encoding" in headers:
        raise Refused(411, "send a Content-Length instead of a Transfer-Encoding")
    length = headers.get("content-length", "0")
    if not length.isdigit():
        raise Refused(400, "Content-Length is not a number")
    if int(length) > MAX_BODY_BYTES:
        raise Refused(413, f"a body may have {MAX_BODY_BYTES} bytes at most")
    if headers.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    while len(rest) < int(length):
        more = connection.recv(65536)
        if not more:
            raise OSError("the client hung up within a body")
        rest += more
    asked = headers.get("connection", "").lower()
    keep_alive = asked == "keep-alive" if protocol == "HTTP/1.0" else asked != "close"
    body, rest = rest[: int(length)], rest[int(length) :]
    return Request(method, target.partition("?")[0], body, keep_alive), rest


def send(connection, response, keep_alive, with_body):
    head = (
        f"HTTP/1.1 {response.status} {REASONS[response.status]}\r\n"
        f"Content-Type: {response.content_type}; charset=utf-8\r\n"
        f"Content-Length: {len(response.body)}\r\n"
        f"Connection: {'keep-alive' if keep_alive else 'close'}\r\n\r\n"
    )
    connection.sendall(head.encode() + (response.body if with_body else b""))
