"""cutter.py PORT MODE BYTES PORT-FILE - a network between a client and 127.0.0.1:PORT that fails: after so many bytes
from clients in all it cuts (once: connections are reset, and later ones pass), or it stalls (nothing passes any more).
"""
import socket
import struct
import sys
import threading

port, mode, limit = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
lock = threading.Lock()
passed = 0
open_sockets = set()


def reset(sock):
    """Whoever still reads from it hears of it at once; who sends is told as well, even if there is no room for more."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    sock.close()


def may_pass(count):
    """False: not these bytes, nor their connection."""
    global passed
    with lock:
        before, passed = passed, passed + count
        if before < limit <= passed and mode == "cut":
            for sock in list(open_sockets):
                reset(sock)
            return False
        return mode == "cut" or passed < limit


def forward(source, target, counted):
    try:
        while data := source.recv(65536):
            if counted and not may_pass(len(data)):
                if mode == "stall":
                    threading.Event().wait()
                return
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        reset(source)
        reset(target)


listener = socket.create_server(("127.0.0.1", 0))
with open(sys.argv[4], "w", encoding="ascii") as file:
    file.write(str(listener.getsockname()[1]))
while True:
    client, _ = listener.accept()
    server = socket.create_connection(("127.0.0.1", port))
    with lock:
        open_sockets |= {client, server}
    threading.Thread(target=forward, args=(client, server, True), daemon=True).start()
    threading.Thread(target=forward, args=(server, client, False), daemon=True).start()
