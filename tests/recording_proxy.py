"""Stands between a client and its server, and keeps what the client sends, as it is before it is encrypted."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from zoo.sites.addresses import Address
from zoo.sites.certificates import fingerprint_of, make_certificate


@dataclass
class RecordingProxy:
    """What was seen."""

    address: Address
    fingerprint: str
    sent: bytearray = field(default_factory=bytearray)
    """By the client."""


@contextlib.contextmanager
def recording_proxy(folder: Path, server: Address) -> Iterator[RecordingProxy]:
    """A proxy with a certificate of its own, which the client is told to take."""
    certificate, key = folder / "proxy.pem", folder / "proxy-key.pem"
    make_certificate(certificate, key, "127.0.0.1")
    own, to_server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    own.load_cert_chain(certificate, key)
    to_server.check_hostname, to_server.verify_mode = False, ssl.CERT_NONE
    proxy = RecordingProxy(Address("127.0.0.1", 0), fingerprint_of(certificate.read_text()))
    loop = asyncio.new_event_loop()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray) -> None:
        with contextlib.suppress(OSError, ssl.SSLError), contextlib.closing(writer):
            while piece := await reader.read(1 << 16):
                kept += piece
                writer.write(piece)
                await writer.drain()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            back, there = await asyncio.open_connection(*server, ssl=to_server)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pump(reader, there, proxy.sent), pump(back, writer, bytearray()))

    async def listen() -> asyncio.Server:
        return await asyncio.start_server(connect, "127.0.0.1", 0, ssl=own)

    async def close() -> None:
        listening.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0.1)  # connections are closed meanwhile

    listening = loop.run_until_complete(listen())
    proxy.address = Address("127.0.0.1", listening.sockets[0].getsockname()[1])
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.run_until_complete(close())
        loop.close()
