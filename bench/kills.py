"""Kill a fetching process at random points: what is sent twice, and whether the file ends whole and correct.

    uv run bench/kills.py [--kills 50] [--megabytes 200] [--seed N]

The server is a loopback one, slowed to about 30 MB/s so that there is something to kill. Ends with 1 where the file is
not right or more than 5% was sent twice.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

FETCH = """
import sys, msgspec
from zoo.card import Weights
from zoo.fetch import fetch
print(fetch(msgspec.json.decode(sys.argv[1], type=Weights)))
"""
LIMIT = 0.05


def main() -> int:
    """Kill, fetch to the end, compare, count."""
    parser = argparse.ArgumentParser(description="Bytes sent twice by downloads that are killed.")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    args = parser.parse_args()
    dice = random.Random(args.seed)
    content = dice.randbytes(args.megabytes * 1_000_000)
    with tempfile.TemporaryDirectory() as home:
        os.environ["ZOO_HOME"] = home
        return fetch_and_kill(content, sorted(dice.randrange(len(content)) for _ in range(args.kills)), args.seed)


def fetch_and_kill(content: bytes, points: list[int], seed: int) -> int:
    """Start a process for each point, and kill it once the server has sent so much."""
    import msgspec

    from tests.hub_server import hub_server
    from tests.weights_factory import url_source, weights

    with hub_server() as server:
        server.serve("/web/model.bin", content, chunk_bytes=1 << 14, chunk_pause_s=0.0005)
        command = [sys.executable, "-c", FETCH]
        command.append(msgspec.json.encode(weights({"model.bin": content}, url_source(server))).decode())
        kills = 0
        for point in points:
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            while server.sent_bytes < point and process.poll() is None:
                time.sleep(0.002)
            kills += process.poll() is None
            process.kill()
            process.wait()
        last = subprocess.run(command, capture_output=True, text=True, check=True)
        fetched = Path(last.stdout.strip()) / "model.bin"
        right = hashlib.sha256(fetched.read_bytes()).digest() == hashlib.sha256(content).digest()
        twice = (server.sent_bytes - len(content)) / len(content)
    print(f"seed {seed}: {kills} kills, the file is {'right' if right else 'WRONG'}, {twice:.2%} sent twice")
    return 0 if right and twice < LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
