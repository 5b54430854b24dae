"""A stand-in for the departments: their own interfaces over invented data, with faults on demand, on loopback.

    python3 tests/stand_in FOLDER [--generated DIR] [--samples ADAPTERS] [--http PORT] [--https PORT]

FOLDER gets `ports` once all listen (http, https, expired, wrong-name, stranger, control; NAME=PORT a line), tls/ (an authority,
its server and a client for the gateway) and keys/ (SM2, SM4, secrets). https wants a client certificate of that authority; the three
behind it have a certificate that nobody should believe. What is asked of whom: departments.py. Faults: faults.py.

The control port, plain:  PUT /faults?path=/tax/gt3&fault=slow:200   DELETE /faults   GET /seen   DELETE /seen
    POST /release   what the fault `wait` holds back: says how many that were
    POST /replace?number=N&old=A&new=B   in all that is said of N      PUT /hidden?rows=N   the newest that are not shown
"""
import argparse
import asyncio
import json
import os
import pathlib
import resource
import signal
import ssl
import sys

sys.dont_write_bytecode = True

import departments
import faults
import records
import seals
import wire

LOOPBACK = "127.0.0.1"
WAITING_MAX = 16384


class Control:
    def __init__(self, known, known_faults, seen):
        self.records, self.faults, self.seen = known, known_faults, seen

    def answer(self, request):
        what, query = (request.method, request.path), request.query
        try:
            if what == ("PUT", "/faults"):
                self.faults.set(query["path"], query["fault"])
            elif what == ("DELETE", "/faults"):
                self.faults.clear()
            elif what == ("POST", "/release"):
                return wire.Response(f"{self.faults.release()}\n")
            elif what == ("GET", "/seen"):
                return wire.Response(json.dumps(self.seen.as_json(), ensure_ascii=False), "application/json")
            elif what == ("DELETE", "/seen"):
                self.seen.counts.clear()
                self.seen.answers.clear()
                self.seen.last.clear()
                self.seen.most_waiting = self.seen.waiting
            elif what == ("POST", "/replace"):
                if not self.records.replace(query["number"], query["old"], query["new"]):
                    return wire.Response("nobody says that\n", status=404)
            elif what == ("PUT", "/hidden"):
                self.records.hidden = int(query["rows"])
            else:
                return wire.Response("no such control\n", status=404)
        except (KeyError, ValueError) as wrong:
            return wire.Response(f"{wrong}\n", status=400)
        return wire.Response("ok\n")


def context_of(tls, name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(tls / f"{name}.crt", tls / f"{name}.key")
    context.load_verify_locations(tls / "ca.crt")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def read_secrets(keys):
    secrets = {}
    for name in ("platform", "tif"):
        path = keys / f"{name}.secret"
        if not path.exists():
            seals.write_private(path, os.urandom(16).hex().encode() + b"\n")
        secrets[name] = path.read_text(encoding="ascii").strip()
    return secrets


async def listen(given, known, tls, keys):
    loop = asyncio.get_running_loop()
    known_faults, seen, unseen = faults.Faults(), wire.Seen(), wire.Seen()
    asked = departments.Departments(known, seals.Seals(keys), read_secrets(keys))
    control = Control(known, known_faults, seen)
    department = lambda: wire.Connection(asked.answer, known_faults, seen)
    servers, ports = [], []
    for name, port, make, context in (
        ("http", given.http, department, None),
        ("https", given.https, department, context_of(tls, "server")),
        *((name, 0, department, context_of(tls, name)) for name in ("expired", "wrong-name", "stranger")),
        ("control", 0, lambda: wire.Connection(control.answer, faults.Faults(), unseen), None),
    ):
        server = await loop.create_server(make, LOOPBACK, port, ssl=context, backlog=WAITING_MAX)
        servers.append(server)
        ports.append(f"{name}={server.sockets[0].getsockname()[1]}\n")
    part = given.folder / "ports.part"
    part.write_text("".join(ports), encoding="ascii")
    part.rename(given.folder / "ports")
    print("".join(ports), end="", flush=True)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    await ended.wait()
    for server in servers:
        server.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--generated", type=pathlib.Path, help="what bidui_gen wrote")
    parser.add_argument("--samples", type=pathlib.Path, help="the folder of adapters")
    parser.add_argument("--http", type=int, default=0)
    parser.add_argument("--https", type=int, default=0)
    given = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    given.folder.mkdir(parents=True, exist_ok=True)
    known = records.Records()
    if given.generated:
        known.read_generated(given.generated)
    if given.samples:
        known.read_samples(given.samples)
    asyncio.run(listen(given, known, seals.make_certificates(given.folder / "tls"), seals.make_keys(given.folder / "keys")))


main()
