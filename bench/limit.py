"""The machine's own limit: bytes from a loopback socket to a file, and nothing else.

`python -m bench.limit PORT DIRECTORY`. It understands just enough of HTTP that the same load can be
put on it as on a tus server: POST makes a file, PATCH appends to it.
"""

import itertools
import os
import socket
import sys
import threading
from pathlib import Path

from bench.wire import END, field

BUFFER_BYTES = 1 << 20
FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)


class Receiver(threading.Thread):
    """One connection."""

    numbers = itertools.count(1)

    def __init__(self, connection: socket.socket, directory: Path) -> None:
        super().__init__(daemon=True)
        self.connection = connection
        self.directory = directory
        self.buffer = memoryview(bytearray(BUFFER_BYTES))

    def run(self) -> None:
        """Answer requests until the client goes."""
        with self.connection:
            while self.serve():
                pass

    def serve(self) -> bool:
        """One request; False at the end of the connection."""
        data = b""
        while END not in data:
            piece = self.connection.recv(65536)
            if not piece:
                return False
            data += piece
        head, _, body = data.partition(END)
        method, place, _ = head.split(b" ", 2)
        if method == b"POST":
            name = f"limit{next(self.numbers):08}"
            (self.directory / name).touch()
            self.answer(f"201 Created\r\nLocation: /files/{name}\r\nContent-Length: 0")
        elif method == b"PATCH":
            size = int(field(head, b"content-length"))
            offset = self.store(place.decode().rpartition("/")[2], body, size)
            self.answer(f"204 No Content\r\nUpload-Offset: {offset}")
        else:
            self.answer("200 OK\r\nContent-Length: 0")
        return True

    def store(self, name: str, ahead: bytes, size: int) -> int:
        """Move the body into the file; returns the file's size after it."""
        file = os.open(self.directory / name, FLAGS, 0o600)
        try:
            if ahead:
                os.write(file, ahead)
            rest = size - len(ahead)
            while rest:
                received = self.connection.recv_into(self.buffer, min(rest, BUFFER_BYTES))
                if not received:
                    break
                os.write(file, self.buffer[:received])
                rest -= received
            return os.fstat(file).st_size
        finally:
            os.close(file)

    def answer(self, text: str) -> None:
        """Send a response without a body."""
        self.connection.sendall(b"HTTP/1.1 " + text.encode() + END)


def main() -> None:
    """Listen for ever."""
    port, directory = int(sys.argv[1]), Path(sys.argv[2])
    with socket.create_server(("127.0.0.1", port), backlog=128) as listener:
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            Receiver(connection, directory).start()


if __name__ == "__main__":
    main()
