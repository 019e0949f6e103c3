"""A small service that behaves, or misbehaves, as its environment says: for tests and benchmarks.

NAME, PORT, PREFIX: who it is and where it listens. READY_AFTER: seconds from its start until it answers at all.
CRASH_AFTER: seconds until it ends with code 3. ILL_AFTER: seconds until its health path answers 500. HEALTH: the status
of its health path (200). GREETING: answered back, to tell environments apart. PEER: what PREFIX/api/peer fetches.
"""

import asyncio
import json
import os
import signal
import sys
import time
import urllib.request
from pathlib import Path

NAME, PORT = os.environ.get("NAME", "service"), int(os.environ.get("PORT", "8000"))
PREFIX = os.environ.get("PREFIX", "").rstrip("/")
STARTED = int(Path("/proc/self/stat").read_text().rsplit(")")[1].split()[19]) / os.sysconf("SC_CLK_TCK")  # after boot
VERSION = Path(__file__).with_name("VERSION").read_text().strip()


def number(name: str) -> float:
    return float(os.environ.get(name, "0"))


def age() -> float:
    """Seconds since the kernel started this process: what importing took counts."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - STARTED


async def answer(path: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, object]]:
    facts = {"service": NAME, "version": VERSION, "greeting": os.environ.get("GREETING", "")}
    if path == f"{PREFIX}/api/health":
        ill = 0 < number("ILL_AFTER") < age()
        return 500 if ill else int(os.environ.get("HEALTH", "200")), facts
    if path == f"{PREFIX}/api/slow":
        await asyncio.sleep(3)
        return 200, facts
    if path == f"{PREFIX}/api/echo":
        return 200, {**facts, "body": body.decode(errors="replace"), "headers": headers, "path": path}
    if path == f"{PREFIX}/api/peer":
        call = lambda: urllib.request.urlopen(os.environ["PEER"], timeout=5).read()  # noqa: E731
        return 200, {**facts, "peer": json.loads(await asyncio.to_thread(call))}
    return (200 if path.startswith(PREFIX) else 404), {**facts, "path": path}


async def stream(writer: asyncio.StreamWriter, headers: dict[str, str]) -> None:
    """A tick five times a second for as long as somebody listens: server-sent events, or after an upgrade."""
    if headers.get("upgrade", "").lower() == "websocket":
        head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    else:
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Accel-Buffering: no\r\nConnection: close\r\n\r\n"
        )
    writer.write(head.encode())
    while True:
        writer.write(f"data: {VERSION}\n\n".encode())
        await writer.drain()
        await asyncio.sleep(0.2)


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while (line := await reader.readline()).strip():
            _method, path, _protocol = line.decode("latin-1").split()
            headers = {}
            while (raw := await reader.readline()) not in (b"\r\n", b""):
                name, _, value = raw.decode("latin-1").partition(":")
                headers[name.strip().lower()] = value.strip()
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            if path == f"{PREFIX}/api/stream":
                await stream(writer, headers)
            status, facts = await answer(path.split("?")[0], body, headers)
            text = json.dumps(facts).encode()
            keep = headers.get("connection", "keep-alive").lower() != "close"
            head = f"HTTP/1.1 {status} {'OK' if status < 400 else 'Bad'}\r\nContent-Type: application/json\r\n"
            head += f"Content-Length: {len(text)}\r\nConnection: {'keep-alive' if keep else 'close'}\r\n\r\n"
            writer.write(head.encode() + text)
            await writer.drain()
            if not keep:
                break
    except (ConnectionError, asyncio.IncompleteReadError, ValueError):
        pass
    finally:
        writer.close()


def crash() -> None:
    print("out of luck", flush=True)
    os._exit(3)


async def main() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    print(f"{NAME} {VERSION} starts", flush=True)
    if number("CRASH_AFTER"):
        asyncio.get_running_loop().call_later(number("CRASH_AFTER"), crash)
    await asyncio.sleep(number("READY_AFTER") - age())
    server = await asyncio.start_server(serve, "0.0.0.0", PORT, backlog=1024)  # noqa: S104 (in a container)
    print(f"{NAME} {VERSION} listens on {PORT}", flush=True)
    await stop.wait()
    server.close()  # no new connections; those that are open finish their requests
    await asyncio.sleep(0.2)
    sys.exit(0)


asyncio.run(main())
