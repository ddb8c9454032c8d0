"""A counterparty that takes every message and says 200: it counts, and remembers when the last one came.

`python bench/sink.py PORT`; a GET says both as JSON. Standard library only.
"""

import asyncio
import json
import sys
import time

TAKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Sink(asyncio.Protocol):
    count, last = 0, 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.received = transport, b""

    def data_received(self, data: bytes) -> None:
        self.received += data
        while b"\r\n\r\n" in self.received:
            head, _, rest = self.received.partition(b"\r\n\r\n")
            lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            length = int(lengths[0].partition(b":")[2]) if lengths else 0
            if len(rest) < length:
                return
            self.received = rest[length:]
            self.answer(head.startswith(b"POST"))

    def answer(self, message: bool) -> None:
        if message:
            Sink.count, Sink.last = Sink.count + 1, time.time()
            self.transport.write(TAKEN)
            return
        body = json.dumps({"count": Sink.count, "last": Sink.last}).encode()
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


async def main(port: str) -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", int(port))
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
