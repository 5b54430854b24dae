#!/usr/bin/env python3
"""Cases in batches of 64, all at once, and what becomes of them.

    look_up.py PORT TLS-FOLDER CASES-FILE READY-FILE     a case a line

READY-FILE is made when all are connected; half a second later they ask.

Prints one JSON object: decisions, codes of look-ups, and times in milliseconds."""
import asyncio
import collections
import json
import ssl
import sys
import time

port, tls, path, ready_file = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
IN_FLIGHT = 64


def context():
    made = ssl.create_default_context(cafile=f"{tls}/ca.crt")
    made.load_cert_chain(f"{tls}/client.crt", f"{tls}/client.key")
    return made


def head(kind, length):
    return (f"POST /v1/compare HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nBidui-Purpose: verification\r\n"
            f"Content-Length: {length}\r\n\r\n").encode()


def spread(times):
    times = sorted(times)
    return {name: round(times[min(len(times) - 1, int(len(times) * share))], 2)
            for name, share in (("p50", 0.5), ("p99", 0.99), ("most", 1.0))} if times else {}


async def read_body(reader):
    """The whole answer: of a length, or in chunks, each with the time at which it came."""
    headers = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    if "transfer-encoding: chunked" not in headers:
        length = int(headers.split("content-length:")[1].split("\r\n")[0])
        yield await reader.readexactly(length)
        return
    while True:
        size = int((await reader.readuntil(b"\r\n")).strip(), 16)
        piece = await reader.readexactly(size + 2)
        if size == 0:
            return
        yield piece[:-2]


async def batch(ready, go, lines, seen):
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context(), server_hostname="localhost")
    body = "\n".join(lines).encode() + b"\n"
    ready.release()
    await go.wait()
    begun = time.monotonic()
    writer.write(head("application/x-ndjson", len(body)) + body)
    rest = b""
    async for piece in read_body(reader):
        came = (time.monotonic() - begun) * 1000
        *whole, rest = (rest + piece).split(b"\n")
        seen += [(came, line) for line in whole]
    writer.close()


async def waiting():
    cases = open(path, encoding="utf-8").read().splitlines()
    parts = [cases[at : at + IN_FLIGHT] for at in range(0, len(cases), IN_FLIGHT)]
    ready, go, seen = asyncio.Semaphore(0), asyncio.Event(), []
    tasks = []
    for part in parts:
        tasks.append(asyncio.create_task(batch(ready, go, part, seen)))
        await ready.acquire()
    open(ready_file, "w").close()
    await asyncio.sleep(0.5)
    go.set()
    begun = time.monotonic()
    await asyncio.gather(*tasks)
    decisions, codes = collections.Counter(), collections.Counter()
    for _, line in seen:
        answer = json.loads(line)
        decisions[answer.get("decision", answer.get("code"))] += 1
        codes.update(one["code"] for one in answer.get("look_ups", []))
    return {"cases": len(seen), "seconds": round(time.monotonic() - begun, 2), "decisions": decisions, "look_ups": codes,
            "ms": spread([came for came, _ in seen])}


print(json.dumps(asyncio.run(waiting())))
