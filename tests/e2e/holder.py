"""holder.py PORTS FOLDER - between a client and the gateway whose port stands in the file PORTS when a connection comes:
holds each request of which 1 MiB has come and which is not answered. The Nth to be held makes FOLDER/held-N and goes on
when there is FOLDER/go-N, or FOLDER/go for all. Its own port stands in FOLDER/port.
"""
import os
import re
import socket
import sys
import threading
import time

ports, folder = sys.argv[1:]
HELD_BYTES = 1 << 20
lock = threading.Lock()
held = 0


def has(name):
    return os.path.exists(os.path.join(folder, name))


def make(name, text=""):
    path = os.path.join(folder, name)
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write(text)
    os.rename(path + ".new", path)


def hold():
    global held
    with lock:
        held += 1
        number = held
        make(f"held-{number}")
    while not has(f"go-{number}") and not has("go"):
        time.sleep(0.01)


class Connection:
    def __init__(self, client, server):
        self.client, self.server = client, server
        self.unanswered = 0
        threading.Thread(target=self.forward, args=(client, server), daemon=True).start()
        threading.Thread(target=self.forward, args=(server, client), daemon=True).start()

    def count(self, source, data):
        before = self.unanswered
        self.unanswered = before + len(data) if source is self.client else 0
        if before < HELD_BYTES <= self.unanswered and not has("go"):
            hold()

    def forward(self, source, target):
        try:
            while data := source.recv(65536):
                self.count(source, data)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            for sock in (self.client, self.server):
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


def connect():
    with open(ports, encoding="ascii") as file:
        port = re.search(r"^https=(\d+)$", file.read(), re.MULTILINE).group(1)
    return socket.create_connection(("127.0.0.1", int(port)))


listener = socket.create_server(("127.0.0.1", 0))
make("port", str(listener.getsockname()[1]))
while True:
    asking, _ = listener.accept()
    try:
        Connection(asking, connect())
    except (OSError, AttributeError):
        asking.close()
