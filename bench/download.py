"""The fetcher beside the Hub's own client: the same file from the same loopback server, alternating in one run.

    uv run bench/download.py [--rounds 5] [--megabytes 500]

Each download is a process of its own with an empty cache, timed from the call to its return. zoo hashes what arrives
and waits for the disk; the other does neither. Prints the median rate and the peak memory of each, and their ratios.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path

REPOSITORY, COMMIT, NAME = "bench/model", "0" * 40, "model.safetensors"
MEASURED = """
import json, resource, sys, time
{imports}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
started = time.perf_counter()
path = {call}
elapsed = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({{"s": elapsed, "peak_kb": peak, "before_kb": before, "path": str(path)}}))
"""
PEERS = {
    "zoo": MEASURED.format(
        imports="from zoo.card import HubSource, Weights, WeightsFile\nfrom zoo.fetch import fetch",
        call=(
            "fetch(Weights(files=(WeightsFile(name=sys.argv[3], sha256=sys.argv[4], size_bytes=int(sys.argv[5])),),"
            " sources=(HubSource(repository=sys.argv[1], revision=sys.argv[2]),))) / sys.argv[3]"
        ),
    ),
    "huggingface_hub": MEASURED.format(
        imports="from huggingface_hub import hf_hub_download",
        call="hf_hub_download(sys.argv[1], sys.argv[3], revision=sys.argv[2])",
    ),
}


class Handler(BaseHTTPRequestHandler):
    """One file, as the Hub serves large ones."""

    protocol_version = "HTTP/1.1"
    file: Path
    sha256: str

    def do_HEAD(self) -> None:
        """Say what there is."""
        self._begin()

    def do_GET(self) -> None:
        """Send it, by the system's own copying."""
        self._begin()
        with self.file.open("rb") as file, contextlib.suppress(ConnectionError):
            self.wfile.flush()
            self.connection.sendfile(file)

    def _begin(self) -> None:
        self.send_response(200)
        size = str(self.file.stat().st_size)
        headers = {"Content-Length": size, "X-Linked-Size": size, "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        for name, value in {**headers, "ETag": f'"{self.sha256}"', "X-Linked-Etag": f'"{self.sha256}"'}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def serve(file: Path, sha256: str, connection: Connection) -> None:
    """Serve for as long as the process lives."""
    Handler.file, Handler.sha256 = file, sha256
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    connection.send(server.server_address[1])
    server.serve_forever()


@contextlib.contextmanager
def serving(file: Path, sha256: str) -> Iterator[str]:
    """The address of a server in a process of its own."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(file, sha256, theirs), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def download(peer: str, address: str, sha256: str, size_bytes: int) -> dict[str, float]:
    """One download by one of the two, into an empty cache."""
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "HF_ENDPOINT": address, "HF_HOME": f"{home}/hf", "ZOO_HOME": f"{home}/zoo"}
        environment |= {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_OFFLINE": "0"}
        words = [REPOSITORY, COMMIT, NAME, sha256, str(size_bytes)]
        done = subprocess.run(
            [sys.executable, "-c", PEERS[peer], *words], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"{peer}: {done.stderr}")
        measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        assert Path(str(measured["path"])).stat().st_size == size_bytes
        return measured


def main() -> None:
    """Measure both in turn, round by round."""
    parser = argparse.ArgumentParser(description="Throughput and memory beside huggingface_hub.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=500)
    args = parser.parse_args()
    size_bytes = args.megabytes * 1_000_000
    results: dict[str, list[dict[str, float]]] = {peer: [] for peer in PEERS}
    with tempfile.TemporaryDirectory() as folder:
        file, digest = Path(folder) / NAME, hashlib.sha256()
        with file.open("wb") as out:
            for _ in range(args.megabytes):
                block = os.urandom(1_000_000)
                out.write(block)
                digest.update(block)
        with serving(file, digest.hexdigest()) as address:
            for _ in range(args.rounds):
                for peer, measured in results.items():
                    measured.append(download(peer, address, digest.hexdigest(), size_bytes))
    rates = {peer: size_bytes / 1e6 / statistics.median(one["s"] for one in ms) for peer, ms in results.items()}
    peaks = {peer: max(one["peak_kb"] for one in ms) / 1e3 for peer, ms in results.items()}
    grown = {peer: max(one["peak_kb"] - one["before_kb"] for one in ms) / 1e3 for peer, ms in results.items()}
    print(f"{'client':<16} {'median MB/s':>11} {'peak MB':>8} {'of it the download':>19}")
    for peer in PEERS:
        print(f"{peer:<16} {rates[peer]:>11.0f} {peaks[peer]:>8.0f} {grown[peer]:>19.0f}")
    ours, theirs = PEERS
    print(
        f"zoo / huggingface_hub: {rates[ours] / rates[theirs]:.2f}x the rate, {peaks[ours] / peaks[theirs]:.2f}x peak"
    )


if __name__ == "__main__":
    main()
