"""Faults on demand. One is written NAME[:VALUE][*COUNT], several are joined by `+`:

    slow:MS        the answer comes MS later          hang           it never comes
    wait           it comes when the control port releases it
    STATUS         that status, e.g. 500, 503, 429    wrong-code     200, and the message says that it failed
    stranger       the answer is about somebody else  html           200, a login page
    junk           200, bytes that nobody can read    garbage        bytes that are not HTTP
    redirect[:URL] 302                                close          the connection ends without an answer
    reset          it is broken off                   cut            it ends in the middle of the body
    wrong-length   more bytes than are stated         endless        a body without an end
    endless-head   a head without an end              bomb           256 MiB of nothing, compressed
    swollen        what was asked for, and 256 MiB of blanks behind it, compressed: right but for its length
    drip:MS        a byte each MS                     flap:N         N answers, then N times 500, and so on

*COUNT: the next COUNT requests only. Asked for in a path, /with/FAULT/tax/gt3, or at the control port for all requests
whose path begins with a text."""
import functools
import re
import struct
import zlib

NAMES = (
    "slow wait hang wrong-code stranger html junk garbage redirect close reset cut wrong-length endless endless-head bomb swollen"
    " drip flap"
).split()
LOGIN = "<!DOCTYPE html><html><head><title>登录</title></head><body>请先登录</body></html>".encode()
JUNK = bytes((i * 37 + 11) % 256 for i in range(2048))


@functools.lru_cache(4)
def bomb(begin=b"", filling=b"\0"):
    """256 MiB of one byte behind a beginning: one flushed block again and again (RFC 1951), with the right sum behind it."""
    piece, times = filling * (1 << 20), 256
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = stream.compress(begin) + stream.flush(zlib.Z_FULL_FLUSH)
    block = stream.compress(piece) + stream.flush(zlib.Z_FULL_FLUSH)
    check = zlib.crc32(begin)
    for _ in range(times):
        check = zlib.crc32(piece, check)
    return (b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + first + block * times + stream.flush()
            + struct.pack("<II", check, len(begin) + len(piece) * times))


class Fault:
    def __init__(self, text):
        found = re.fullmatch(r"([a-z-]+|[1-5][0-9]{2})(?::(.*?))?(?:\*([0-9]+))?", text)
        if found is None or not (found[1].isdigit() or found[1] in NAMES):
            raise ValueError(f"no such fault: {text}")
        self.name, self.value = found[1], found[2]
        self.left = int(found[3]) if found[3] else None
        self.met = 0
        if self.name in ("slow", "drip", "flap"):
            self.value = int(self.value)

    def take(self):
        """Whether this request meets it."""
        if self.left is not None:
            if self.left == 0:
                return False
            self.left -= 1
        self.met += 1
        return self.name != "flap" or (self.met - 1) // self.value % 2 == 1


def parse(text):
    return [Fault(part) for part in text.split("+") if part]


class Faults:
    """Those that the control port has set, by the beginning of a path; and those of the path itself."""

    def __init__(self):
        self.by_prefix = {}
        self.by_path = {}
        self.waiting = []  # what is to be done when those that wait are released

    def release(self):
        """How many there were."""
        waiting, self.waiting = self.waiting, []
        for go_on in waiting:
            go_on()
        return len(waiting)

    def set(self, prefix, text):
        self.by_prefix[prefix] = parse(text)

    def clear(self):
        self.by_prefix.clear()
        self.by_path.clear()

    def met_by(self, path):
        """(the path without faults, the faults it meets in their order)"""
        found = []
        if path.startswith("/with/"):
            _, _, text, rest = path.split("/", 3) if path.count("/") >= 3 else ("", "", "", "")
            if path not in self.by_path:
                self.by_path[path] = parse(text)
            found += self.by_path[path]
            path = "/" + rest
        for prefix, faults in self.by_prefix.items():
            if path.startswith(prefix):
                found += faults
        return path, [fault for fault in found if fault.take()]
