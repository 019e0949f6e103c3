"""A service that answers with its name and the request, byte for byte as it came; it upgrades whoever asks."""

import asyncio
import os


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    path = head.split()[1]
    length = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")), 0)
    upgrade = next((line.split(b": ")[1] for line in lines if line.startswith(b"upgrade:")), b"")
    answer, body = b"HTTP/1.1 200 OK", os.environ["NAME"].encode() + b" " + head + await reader.readexactly(length)
    if upgrade:
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: " + upgrade + b"\r\n\r\n")
        writer.write(b"tunnel: " + await reader.readexactly(4))
    else:
        if b"/elsewhere" in path:
            answer = b"HTTP/1.1 302 Found\r\nLocation: " + path
        if b"/other" in path:
            answer += b"\r\nX-Accel-Redirect: /shop/stolen"
        writer.write(answer + b"\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    await writer.drain()
    writer.close()


async def main() -> None:
    server = await asyncio.start_server(serve, "0.0.0.0", int(os.environ["PORT"]))
    await server.serve_forever()


asyncio.run(main())
