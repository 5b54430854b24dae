#!/usr/bin/env python3
"""Asks the stand-in for one thing over many connections at once: many.py PORT TARGET COUNT [FILE]

Prints {"answered": how many 200s, "seconds": all of it}. Every connection is open before the first question is sent, so
that all COUNT of them wait together. FILE: the body of a POST, in which @N@ is the number of the question, ten digits."""
import asyncio
import json
import resource
import sys
import time

port, target, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
template = open(sys.argv[4], encoding="utf-8").read() if len(sys.argv) > 4 else None


class Question(asyncio.Protocol):
    def __init__(self, number, answered):
        self.number, self.answered, self.got = number, answered, b""

    def connection_made(self, transport):
        self.transport = transport

    def ask(self):
        head = "GET" if template is None else "POST"
        body = b"" if template is None else template.replace("@N@", f"{self.number:010d}").encode()
        self.transport.write(f"{head} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nSOAPAction: \"\"\r\n"
                             f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)

    def data_received(self, data):
        self.got += data

    def connection_lost(self, _):
        self.answered.append(self.got.startswith(b"HTTP/1.1 200 "))


async def main():
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    loop, answered, few = asyncio.get_running_loop(), [], asyncio.Semaphore(200)

    async def connect(number):
        async with few:
            return (await loop.create_connection(lambda: Question(number, answered), "127.0.0.1", port))[1]

    asked = await asyncio.gather(*(connect(number) for number in range(count)))
    begun = time.monotonic()
    for question in asked:
        question.ask()
    while len(answered) < count:
        await asyncio.sleep(0.01)
    print(json.dumps({"answered": sum(answered), "seconds": round(time.monotonic() - begun, 2)}))


asyncio.run(main())
