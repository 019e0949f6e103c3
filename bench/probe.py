#!/usr/bin/env python3
"""Open-loop HTTP load probe (stdlib only, Python 3.11+), for loopback.

Sends requests at a constant rate, whatever the answers do (a slow server does not slow the
probe), round-robin over the URLs, and records every request. Each URL may carry '#name': the
JSON answer's "service" must then be that name, else the request counts as failed (misrouted).

  probe.py --rate 200 --max-seconds 60 [--stop-file F] [--events F] [--out F] [--raw F]
           [--keepalive-share 0.5] [--post-share 0.1] [--slow-rate 2] URL#name ...

* new-connection requests send "Connection: close"; keep-alive ones share --clients
  connections, used in turn. A request that dies on a reused connection before a byte of
  answer is kind "stale": a browser would repeat it (GET), this probe counts it as failed
  unless --retry-stale.
* slow requests are a second open-loop stream on the same URLs, path's last part -> /slow; POST requests go to /echo.
* --events: a file that other scripts append "EPOCH LABEL" lines to. A label "phase:NAME"
  starts a phase; the figures are given for the whole run and for each phase, by the time the
  request was due.
* ends at --max-seconds, on SIGTERM/SIGINT, or when --stop-file appears; prints one JSON.

Figures: failed = non-2xx, refused, reset, eof, stale, timeout, misrouted. longest_gap_ms =
the longest time in which no request of one URL succeeded (the worst URL; by time of answer,
/slow left out). failure_window_ms = first to last failed request. Latency is from the time the
request was due (no coordinated omission).
"""

import argparse
import asyncio
import collections
import csv
import itertools
import json
import random
import signal
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class Rec:
    __slots__ = ("due", "kind", "lat", "method", "mode", "slow", "url", "version")

    def __init__(self, due, lat, url, kind, mode, method, version, slow):
        self.due, self.lat, self.url, self.kind = due, lat, url, kind
        self.mode, self.method, self.version, self.slow = mode, method, version, slow


class Stale(Exception):
    pass


class Probe:
    def __init__(self, a):
        self.a, self.recs, self.pool = a, [], collections.deque()
        self.urls = [urlsplit(u) for u in a.urls]
        for u in self.urls:
            if u.hostname not in LOOPBACK or u.scheme != "http":
                sys.exit(f"only http://127.0.0.1 URLs: {u.geturl()}")
        self.stop = asyncio.Event()
        self.tasks = set()
        self.inflight = 0

    # --- one request -------------------------------------------------------------------
    async def exchange(self, rd, wr, u, path, method, keep, reused):
        body = b'{"x":1}' if method == "POST" else b""
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {u.netloc}\r\nUser-Agent: probe\r\n"
            f"Connection: {'keep-alive' if keep else 'close'}\r\n"
            + (f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else "")
            + "\r\n"
        )
        try:
            wr.write(head.encode() + body)
            line = await rd.readline()
        except (ConnectionResetError, BrokenPipeError):
            if reused:
                raise Stale from None
            raise
        if not line:
            if reused:
                raise Stale
            raise EOFError
        status = int(line.split()[1])
        length, close = None, False
        while True:
            h = await rd.readline()
            if h in (b"\r\n", b""):
                break
            k, _, v = h.decode("latin-1").partition(":")
            k, v = k.strip().lower(), v.strip()
            if k == "content-length":
                length = int(v)
            elif k == "connection" and v.lower() == "close":
                close = True
            elif k == "transfer-encoding" and v.lower() == "chunked":
                length = -1
        if length == -1:
            data = b""
            while True:
                n = int((await rd.readline()).split(b";")[0] or b"0", 16)
                chunk = await rd.readexactly(n + 2)
                if not n:
                    break
                data += chunk[:-2]
        elif length is None:
            data, close = await rd.read(), True
        else:
            data = await rd.readexactly(length)
        return status, data, close

    async def attempt(self, u, path, method, keep):
        conn = None
        while keep and self.pool:
            rd, wr = self.pool.popleft()
            if rd.at_eof() or wr.is_closing():  # the client saw the close in time
                wr.close()
                continue
            conn = (rd, wr)
            break
        reused = conn is not None
        if not conn:
            conn = await asyncio.open_connection(u.hostname, u.port or 80)
        rd, wr = conn
        ok = False
        try:
            status, data, close = await self.exchange(rd, wr, u, path, method, keep, reused)
            ok = keep and not close
            return status, data
        finally:
            if ok and len(self.pool) < self.a.clients:
                self.pool.append(conn)
            else:
                wr.close()

    async def one(self, due, u, mode, method, slow):
        keep = mode == "keepalive"
        path = u.path or "/"
        if slow or method == "POST":
            path = path.rsplit("/", 1)[0] + ("/slow" if slow else "/echo")
        kind, version = "ok", ""
        try:
            async with asyncio.timeout(self.a.timeout):
                try:
                    status, data = await self.attempt(u, path, method, keep)
                except Stale:
                    if not self.a.retry_stale or method == "POST":
                        raise
                    status, data = await self.attempt(u, path, method, False)
            if not 200 <= status < 300:
                kind = f"http_{status}"
            else:
                obj = json.loads(data)
                version = obj.get("version", "")
                if u.fragment and obj.get("service") != u.fragment:
                    kind = "misrouted"
        except TimeoutError:
            kind = "timeout"
        except Stale:
            kind = "stale"
        except ConnectionRefusedError:
            kind = "refused"
        except (ConnectionResetError, BrokenPipeError):
            kind = "reset"
        except (EOFError, asyncio.IncompleteReadError):
            kind = "eof"
        except OSError as e:
            kind = f"os_{e.errno}"
        except (ValueError, IndexError):
            kind = "garbled"
        self.recs.append(Rec(due, time.time() - due, u.geturl(), kind, mode, method, version, slow))
        self.inflight -= 1

    # --- the streams -------------------------------------------------------------------
    async def stream(self, rate, slow):
        if rate <= 0:
            return
        a, urls = self.a, itertools.cycle(self.urls)
        start, n, rng = time.time(), 0, random.Random(1 + slow)
        end = start + a.max_seconds
        while not self.stop.is_set():
            due = start + n / rate
            if due >= end:
                break
            wait = due - time.time()
            if wait > 0:
                try:
                    await asyncio.wait_for(self.stop.wait(), wait)
                    break
                except TimeoutError:
                    pass
            n += 1
            mode = "keepalive" if rng.random() < a.keepalive_share else "new"
            method = "POST" if rng.random() < a.post_share and not slow else "GET"
            u = next(urls)
            self.inflight += 1
            if self.inflight > a.max_inflight:
                self.inflight -= 1
                self.recs.append(Rec(due, 0.0, u.geturl(), "probe_overload", mode, method, "", slow))
                continue
            t = asyncio.create_task(self.one(due, u, mode, method, slow))
            self.tasks.add(t)
            t.add_done_callback(self.tasks.discard)

    async def watch(self):
        while not self.stop.is_set():
            if self.a.stop_file and Path(self.a.stop_file).exists():
                self.stop.set()
            await asyncio.sleep(0.1)

    async def run(self):
        loop = asyncio.get_running_loop()
        for s in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(s, self.stop.set)
        self.t0 = time.time()
        w = asyncio.create_task(self.watch())
        await asyncio.gather(self.stream(self.a.rate, False), self.stream(self.a.slow_rate, True))
        self.t1 = time.time()
        self.stop.set()
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=self.a.timeout + 1)
        await w
        for _, wr in self.pool:
            wr.close()


# --- figures -----------------------------------------------------------------------------
def pct(xs, q):
    return round(1000 * xs[min(len(xs) - 1, int(q * len(xs)))], 1) if xs else None


def figures(recs, t0, t1):
    """Figures over the requests due in [t0, t1)."""
    recs = sorted((r for r in recs if t0 <= r.due < t1), key=lambda r: r.due)
    fast = [r for r in recs if not r.slow]
    bad = [r for r in recs if r.kind != "ok"]
    lat = sorted(r.lat for r in fast if r.kind == "ok")
    gaps, at = {}, {}
    vers = {}
    for url in sorted({r.url for r in fast}):
        done = sorted((r.due + r.lat, r.version) for r in fast if r.url == url and r.kind == "ok")
        marks = [t0] + [d for d, _ in done] + ([t1] if not done or done[-1][0] < t1 else [])
        gap, start = max(((b - a, a) for a, b in itertools.pairwise(marks)), default=(t1 - t0, t0))
        gaps[url], at[url] = round(1000 * gap, 1), round(1000 * (start - t0))
        seen, flips, prev = {}, 0, None
        for d, v in done:
            s = seen.setdefault(v, {"n": 0, "first_ms": round(1000 * (d - t0)), "last_ms": 0})
            s["n"] += 1
            s["last_ms"] = round(1000 * (d - t0))
            flips += prev is not None and v != prev
            prev = v
        vers[url] = {**seen, "flips": flips, "last": prev}
    out = {
        "seconds": round(t1 - t0, 2),
        "total": len(recs),
        "ok": len(recs) - len(bad),
        "failed": len(bad),
        "failed_by_kind": dict(collections.Counter(r.kind for r in bad)),
        "failed_by_mode": dict(collections.Counter(("slow " if r.slow else "") + f"{r.mode} {r.method}" for r in bad)),
        "failed_by_url": dict(collections.Counter(r.url for r in bad)),
        "slow_total": len(recs) - len(fast),
        "slow_failed": sum(r.slow for r in bad),
        "longest_gap_ms": max(gaps.values(), default=None),
        "longest_gap_by_url": gaps,
        "p50_ms": pct(lat, 0.5),
        "p99_ms": pct(lat, 0.99),
        "max_ms": pct(lat, 1.0),
        "versions": vers,
    }
    if bad:
        out["first_failure_ms"] = round(1000 * (bad[0].due - t0))
        out["last_failure_ms"] = round(1000 * (bad[-1].due - t0))
        out["failure_window_ms"] = out["last_failure_ms"] - out["first_failure_ms"]
        out["failing_at_end"] = any(r.kind != "ok" for r in recs if r.due > t1 - 1)
    return out


def read_events(path):
    ev = []
    if path and Path(path).exists():
        for line in Path(path).read_text().splitlines():
            t, _, label = line.strip().partition(" ")
            ev.append((float(t), label))
    return sorted(ev)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("urls", nargs="+")
    p.add_argument("--rate", type=float, default=100, help="requests a second, all URLs together")
    p.add_argument("--max-seconds", type=float, default=30)
    p.add_argument("--timeout", type=float, default=5)
    p.add_argument("--keepalive-share", type=float, default=0.0, help="0 = all new connections, 1 = all keep-alive")
    p.add_argument("--clients", type=int, default=20, help="keep-alive connections, used in turn")
    p.add_argument("--post-share", type=float, default=0.0)
    p.add_argument("--slow-rate", type=float, default=0.0)
    p.add_argument("--retry-stale", action="store_true")
    p.add_argument("--max-inflight", type=int, default=3000)
    p.add_argument("--stop-file")
    p.add_argument("--events")
    p.add_argument("--out")
    p.add_argument("--raw", help="write every request to this CSV")
    a = p.parse_args()

    pr = Probe(a)
    asyncio.run(pr.run())
    res = {
        "rate": a.rate,
        "keepalive_share": a.keepalive_share,
        "post_share": a.post_share,
        "slow_rate": a.slow_rate,
        "t0": pr.t0,
        **figures(pr.recs, pr.t0, pr.t1),
    }
    ev = read_events(a.events)
    phases = [(t, label[6:]) for t, label in ev if label.startswith("phase:")]
    res["events"] = [[round(1000 * (t - pr.t0)), label] for t, label in ev]
    res["phases"] = {
        name: figures(pr.recs, t, phases[i + 1][0] if i + 1 < len(phases) else pr.t1)
        for i, (t, name) in enumerate(phases)
    }
    if a.raw:
        with Path(a.raw).open("w", newline="") as f:
            w = csv.writer(f)
            w.writerow(["due", "lat", "url", "kind", "mode", "method", "version", "slow"])
            w.writerows(
                [f"{r.due:.4f}", f"{r.lat:.4f}", r.url, r.kind, r.mode, r.method, r.version, int(r.slow)]
                for r in sorted(pr.recs, key=lambda r: r.due)
            )
    text = json.dumps(res, indent=1)
    if a.out:
        Path(a.out).write_text(text + "\n")
    else:
        print(text)


if __name__ == "__main__":
    main()
