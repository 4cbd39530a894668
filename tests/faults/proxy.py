"""A TCP proxy that hurts what goes through it: connections cut, stalled or delayed.

It stands between one worker and one server, so that a fault meets that way and no other.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from typing import Any

CHUNK = 65_536
CHUNKS_HELD = 64  # for each direction of a connection; then the sender has to wait
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST, as a machine that knows nothing


class Network:
    """The loop, in a thread of its own, that all proxies run in."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxies", daemon=True)
        self._thread.start()
        self._proxies: list[Proxy] = []

    def proxy(self) -> Proxy:
        """A new one, listening on a free loopback port; it refuses all until it has `upstream`."""
        proxy = Proxy(self)
        self.do(proxy._listen())
        self._proxies.append(proxy)
        return proxy

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine in the proxies' loop; its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        for proxy in self._proxies:
            self.do(proxy._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Proxy:
    """One port in front of one server.

    Attributes:
        port: where it listens.
        upstream: `host:port` of the server.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self.port = 0
        self.upstream = ""
        self._refuses = False
        self._delay_s = 0.0
        self._flows = asyncio.Event()
        self._flows.set()
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Reset every connection, and each new one at once, until `heal`."""
        self._network.do(self._cut())

    def stall(self) -> None:
        """Take bytes and hand none on, as a network that lost its way, until `heal`."""
        self._network.do(self._set(flows=False))

    def delay(self, seconds: float) -> None:
        """Hand on each byte so much later, each way, until `heal`."""
        self._network.do(self._set(delay_s=seconds))

    def heal(self) -> None:
        """Hand on all again; what stalled connections hold comes out at once."""
        self._network.do(self._set())

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        await self._cut()

    async def _cut(self) -> None:
        self._refuses = True
        for connection in self._connections:
            connection.cancel()
        if self._connections:
            await asyncio.wait(self._connections)

    async def _set(self, flows: bool = True, delay_s: float = 0.0) -> None:
        self._refuses, self._delay_s = False, delay_s
        (self._flows.set if flows else self._flows.clear)()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._connections.add(task)
        writers = [writer]
        try:
            if not self._refuses and self.upstream:
                await self._join(reader, writer, writers)
        except (OSError, asyncio.CancelledError):
            pass  # the server is away, one side ended, or we were cut
        finally:
            self._connections.discard(task)
            for each in writers:
                _reset(each)

    async def _join(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        writers: list[asyncio.StreamWriter],
    ) -> None:
        """Hand bytes on both ways until one side ends."""
        host, _, port = self.upstream.rpartition(":")
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        writers.append(far_writer)
        ways = [
            asyncio.create_task(self._hand_on(*way))
            for way in ((reader, far_writer), (far_reader, writer))
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _hand_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One way. Read and written by two tasks: a delay must not lower the rate."""
        held: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(CHUNKS_HELD)
        reading = asyncio.create_task(self._read(reader, held))
        try:
            await self._write(held, writer)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, reader: asyncio.StreamReader, held: asyncio.Queue) -> None:
        chunk = b"any"
        while chunk:
            try:
                chunk = await reader.read(CHUNK)
            except OSError:
                chunk = b""
            await held.put((asyncio.get_running_loop().time() + self._delay_s, chunk))

    async def _write(self, held: asyncio.Queue, writer: asyncio.StreamWriter) -> None:
        while True:
            due, chunk = await held.get()
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
            await self._flows.wait()
            if not chunk:
                return
            writer.write(chunk)
            await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    held = writer.get_extra_info("socket")
    if held is not None and held.fileno() >= 0:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()
