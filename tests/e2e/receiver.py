#!/usr/bin/env python3
"""A stand-in for an approval engine that is sent watches. receiver.py FOLDER STATUS...

Writes its port to FOLDER/port; keeps each request as FOLDER/NUMBER.json (its webhook headers, its body as text)
and answers with the next STATUS, the last one from then on. 302 points elsewhere on the same machine.
"""
import http.server
import json
import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
statuses = [int(status) for status in sys.argv[2:]] or [204]
count = 0


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        global count
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        status = statuses[min(count, len(statuses) - 1)]
        kept = {
            "path": self.path,
            "status": status,
            "headers": {k.lower(): v for k, v in self.headers.items()},
            "body": body.decode("utf-8"),
        }
        part = folder / f"{count}.part"
        part.write_text(json.dumps(kept), encoding="utf-8")
        part.rename(folder / f"{count}.json")
        count += 1
        self.send_response(status)
        if status == 302:
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
(folder / "port.part").write_text(str(server.server_port), encoding="utf-8")
(folder / "port.part").rename(folder / "port")
server.serve_forever()
