"""The floor: the same bytes through a bare loopback socket into a file, and out of it again. Nothing can be faster."""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path

CHUNK = bytes(1 << 20)


def into_file(path: Path, volume: int) -> float:
    """Bytes a second from a sender's `sendall` to a file."""
    listener = socket.create_server(("127.0.0.1", 0))
    child = os.fork()
    if child == 0:
        with socket.create_connection(listener.getsockname()) as sender:
            for _ in range(volume // len(CHUNK)):
                sender.sendall(CHUNK)
        os._exit(0)
    receiver, _ = listener.accept()
    buffer = memoryview(bytearray(len(CHUNK)))
    began = time.perf_counter()
    total = 0
    with open(path, "wb", buffering=0) as file:
        while count := receiver.recv_into(buffer):
            file.write(buffer[:count])
            total += count
    seconds = time.perf_counter() - began
    os.waitpid(child, 0)
    receiver.close()
    listener.close()
    return total / seconds


def out_of_file(path: Path) -> float:
    """Bytes a second from a file, by sendfile, to a receiver that discards them."""
    listener = socket.create_server(("127.0.0.1", 0))

    def send() -> None:
        connection, _ = listener.accept()
        with open(path, "rb") as file, connection:
            connection.sendfile(file)

    sender = threading.Thread(target=send)
    sender.start()
    buffer = bytearray(8 << 20)
    total = 0
    with socket.create_connection(listener.getsockname()) as receiver:
        began = time.perf_counter()
        while count := receiver.recv_into(buffer):
            total += count
        seconds = time.perf_counter() - began
    sender.join()
    listener.close()
    return total / seconds
