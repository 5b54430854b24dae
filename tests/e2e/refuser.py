"""refuser.py PORTS TLS PORT-FILE STATUS... - between a client and the gateway whose port stands in the file PORTS: takes each
request whole and passes it on with the client's certificate, but for the first parts of uploads: those it answers itself,
each with the next STATUS, and writes so on stdout. TLS is the folder with the certificates of server and client.
"""
import http.client
import http.server
import os
import re
import ssl
import sys
import threading

ports, tls, port_file, *statuses = sys.argv[1:]
lock = threading.Lock()
OF_A_CONNECTION = {"connection", "transfer-encoding", "host", "expect"}


def gateway():
    with open(ports, encoding="ascii") as file:
        port = re.search(r"^https=(\d+)$", file.read(), re.MULTILINE).group(1)
    context = ssl.create_default_context(cafile=f"{tls}/ca.crt")
    context.load_cert_chain(f"{tls}/client.crt", f"{tls}/client.key")
    return http.client.HTTPSConnection("127.0.0.1", int(port), context=context)


def next_status():
    with lock:
        return int(statuses.pop(0)) if statuses else None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, headers, body):
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in OF_A_CONNECTION | {"content-length"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status = next_status() if self.command == "PUT" and "/parts/" in self.path else None
        if status is not None:
            print(status, self.path, flush=True)
            self.answer(status, [], b"")
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() not in OF_A_CONNECTION}
        connection = gateway()
        connection.request(self.command, self.path, body, headers)
        got = connection.getresponse()
        self.answer(got.status, got.getheaders(), got.read())
        connection.close()

    do_GET = do_POST = do_PUT = do_DELETE = pass_on

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(f"{tls}/server.crt", f"{tls}/server.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
with open(port_file + ".new", "w", encoding="ascii") as file:
    file.write(str(server.server_address[1]))
os.rename(port_file + ".new", port_file)
server.serve_forever()
