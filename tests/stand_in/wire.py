"""HTTP/1.1 for the stand-in: one object a connection, no thread and no task a request, so that ten thousand wait at once.
What is read is strict enough to notice a client that is not: a wrong request is 400 and close."""
import asyncio
import collections
import gzip
import http
import socket
import struct
import time
import urllib.parse

import faults

HEAD_MAX = 65536
BODY_MAX = 64 << 20
SEEN_MAX = 200


class Request:
    def __init__(self, method, target, headers):
        url = urllib.parse.urlsplit(target)
        self.method, self.target, self.headers = method, target, headers
        self.path = urllib.parse.unquote(url.path)
        self.query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        self.body = b""
        self.spoil = ()  # faults that only the department itself can make

    def header(self, name, otherwise=""):
        return self.headers.get(name.lower(), otherwise)


class Response:
    def __init__(self, body=b"", kind="text/plain; charset=utf-8", status=200, headers=()):
        self.status, self.body, self.kind = status, body.encode() if isinstance(body, str) else body, kind
        self.headers = list(headers)


class Seen:
    """What was asked of us: for the tests."""

    def __init__(self):
        self.counts = collections.Counter()
        self.answers = collections.Counter()  # by status; "gzip": those that were compressed
        self.last = collections.deque(maxlen=SEEN_MAX)
        self.connections = self.open = self.waiting = self.most_waiting = 0

    def begin(self, request):
        self.counts[request.path] += 1
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        body = request.body[:65536].decode("utf-8", "replace")
        self.last.append({"method": request.method, "target": request.target, "headers": request.headers, "body": body,
                          "at": time.time()})

    def as_json(self):
        return {"counts": self.counts, "answers": self.answers, "connections": self.connections, "open": self.open, "waiting": self.waiting,
                "most_waiting": self.most_waiting, "last": list(self.last)}


class Connection(asyncio.Protocol):
    def __init__(self, answer, known_faults, seen):
        """answer(request) -> Response, or an awaitable of one."""
        self.answer, self.faults, self.seen = answer, known_faults, seen
        self.buffer = bytearray()
        self.transport = self.request = self.endless = None
        self.need = 0  # bytes of the body; None: chunked
        self.is_busy = False
        self.tasks = set()

    # -- the connection --

    def connection_made(self, transport):
        self.transport = transport
        self.seen.connections += 1
        self.seen.open += 1

    def connection_lost(self, _):
        self.seen.open -= 1
        if self.is_busy:
            self.seen.waiting -= 1
        self.is_busy, self.transport = False, None
        self.resume_writing()

    def pause_writing(self):
        if self.endless:
            self.endless.clear()

    def resume_writing(self):
        if self.endless:
            self.endless.set()

    def data_received(self, data):
        self.buffer += data
        if not self.is_busy:
            self.read()

    def run(self, work):
        """A loop keeps no task that nobody else keeps."""
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    # -- a request --

    def read(self):
        try:
            if self.request is None and not self.read_head():
                return
            if self.read_body():
                self.begin()
        except ValueError as wrong:
            self.write(Response(f"{wrong}\n", status=400), close=True)

    def read_head(self):
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self.buffer) > HEAD_MAX:
                raise ValueError("head too long")
            return False
        lines = bytes(self.buffer[:end]).decode("latin-1").split("\r\n")
        del self.buffer[: end + 4]
        words = lines[0].split(" ")
        if len(words) != 3 or words[2] != "HTTP/1.1":
            raise ValueError("no request line")
        headers = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon or not name or name != name.strip() or name.lower() in headers:
                raise ValueError("no header, or the same one again")
            headers[name.lower()] = value.strip()
        if "host" not in headers:
            raise ValueError("no Host")
        self.request = Request(words[0], words[1], headers)
        chunked = headers.get("transfer-encoding", "").lower() == "chunked"
        if chunked and "content-length" in headers:
            raise ValueError("two lengths")
        self.need = None if chunked else int(headers.get("content-length", "0"))
        if headers.get("expect", "").lower() == "100-continue":
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def read_body(self):
        request = self.request
        while self.need is None:
            line, found, rest = bytes(self.buffer).partition(b"\r\n")
            size = int(line.split(b";")[0], 16) if found else 0
            if not found or len(rest) < size + 2:
                return False
            request.body += rest[:size]
            del self.buffer[: len(line) + size + 4]
            if size == 0:
                return True
            if len(request.body) > BODY_MAX:
                raise ValueError("body too long")
        if self.need > BODY_MAX:
            raise ValueError("body too long")
        if len(self.buffer) < self.need:
            return False
        request.body = bytes(self.buffer[: self.need])
        del self.buffer[: self.need]
        return True

    def begin(self):
        request, self.request = self.request, None
        self.is_busy = True
        if request.header("content-encoding").lower() == "gzip":
            request.body = gzip.decompress(request.body)
        self.seen.begin(request)
        request.path, met = self.faults.met_by(request.path)
        request.spoil = {fault.name for fault in met}
        later = sum(fault.value for fault in met if fault.name == "slow")
        waits = any(fault.name == "wait" for fault in met)
        met = [fault for fault in met if fault.name not in ("slow", "wait", "wrong-code", "stranger")]
        if waits:
            self.faults.waiting.append(lambda: self.meet(request, met))
        elif later:
            asyncio.get_running_loop().call_later(later / 1000, self.meet, request, met)
        else:
            self.meet(request, met)

    def meet(self, request, met):
        if self.transport is None:
            return
        if met:
            self.misbehave(request, met[0])
            return
        response = self.answer(request)
        if isinstance(response, Response):
            self.finish(request, response)
        else:
            self.run(self.finish_later(request, response))

    async def finish_later(self, request, response):
        self.finish(request, await response)

    def finish(self, request, response):
        if self.transport is None:
            return
        body = response.body
        if "gzip" in request.header("accept-encoding") and len(body) > 256 and response.status == 200:
            response.body = gzip.compress(body, 1)
            response.headers += [("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding")]
            self.seen.answers["gzip"] += 1
        self.write(response, request.header("connection").lower() == "close", is_head=request.method == "HEAD")

    # -- the answer --

    def head(self, response, length=None):
        status = http.HTTPStatus(response.status)
        lines = [f"HTTP/1.1 {status.value} {status.phrase}", f"Content-Type: {response.kind}"]
        lines += [f"{name}: {value}" for name, value in response.headers]
        if status != 304:
            lines.append("Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def write(self, response, close=False, is_head=False):
        is_bare = is_head or response.status == 304
        self.seen.answers[str(response.status)] += 1
        self.transport.write(self.head(response, len(response.body)) + (b"" if is_bare else response.body))
        self.end(close)

    def end(self, close):
        if self.is_busy:
            self.seen.waiting -= 1
        self.is_busy = False
        if close:
            self.transport.close()
        elif self.buffer:
            asyncio.get_running_loop().call_soon(self.read)

    # -- what a department should not do --

    def misbehave(self, request, fault):
        name, write = fault.name, self.transport.write
        if name.isdigit() or name == "flap":
            status = int(name) if name.isdigit() else 500
            headers = [("Retry-After", fault.value or "1")] if status in (429, 503) else []
            self.write(Response("故障 fault\n", status=status, headers=headers))
        elif name == "redirect":
            self.write(Response(status=302, headers=[("Location", fault.value or "/elsewhere")]))
        elif name == "html":
            self.write(Response(faults.LOGIN, "text/html; charset=utf-8"))
        elif name == "junk":
            self.write(Response(faults.JUNK, "application/octet-stream"))
        elif name == "bomb":
            self.write(Response(faults.bomb(), "application/json", headers=[("Content-Encoding", "gzip")]))
        elif name == "close":
            self.end(close=True)
        elif name == "reset":
            linger = struct.pack("ii", 1, 0)
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.transport.abort()
        elif name == "garbage":
            write(faults.JUNK)
            self.end(close=True)
        elif name in ("cut", "wrong-length", "drip", "swollen"):
            self.run(self.spoil_length(request, fault))
        elif name in ("endless", "endless-head"):
            self.run(self.go_on(name))
        # What hangs waits for the other side to go.

    async def spoil_length(self, request, fault):
        response = self.answer(request)
        response = response if isinstance(response, Response) else await response
        body = response.body
        if self.transport is None:
            return
        if fault.name == "drip":
            self.transport.write(self.head(response, len(body)))
            for at in range(len(body)):
                await asyncio.sleep(fault.value / 1000)
                if self.transport is None:
                    return
                self.transport.write(body[at : at + 1])
            self.end(close=False)
            return
        if fault.name == "swollen":
            self.write(Response(faults.bomb(body, b" "), response.kind, headers=[("Content-Encoding", "gzip")]))
            return
        stated = len(body) if fault.name == "cut" else len(body) // 2
        self.transport.write(self.head(response, stated) + (body[: len(body) // 2] if fault.name == "cut" else body))
        self.end(close=True)

    async def go_on(self, name):
        """Without an end, as fast as the other side reads; ends when it goes."""
        self.endless = asyncio.Event()
        self.endless.set()
        if name == "endless":
            self.transport.write(self.head(Response(kind="application/json")))
            piece = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
        else:
            self.transport.write(b"HTTP/1.1 200 OK\r\n")
            piece = b"X-More: " + b"0" * 1000 + b"\r\n"
        while self.transport is not None and not self.transport.is_closing():
            self.transport.write(piece)
            await asyncio.sleep(0)
            await self.endless.wait()
