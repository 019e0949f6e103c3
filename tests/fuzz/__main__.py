"""`make fuzz`: each target for a while under a coverage-guided fuzzer; what it finds is kept below `.fuzz/`.

python -m tests.fuzz [--seconds 60] [TARGET …]
"""

import argparse
import subprocess
import sys
from pathlib import Path

from tests.fuzz.targets import SEEDS, TARGETS

KEPT = Path(".fuzz")
CHECKED_IN = Path(__file__).parent / "corpus"  # inputs that once were bugs: each unit test run feeds them again


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.fuzz")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    asked = parser.parse_args()
    failed = []
    for name in asked.targets or TARGETS:
        print(f"== {name}", flush=True)
        folder = KEPT / name
        folder.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(SEEDS[name]):
            (folder / f"seed-{number}").write_bytes(seed)
        words = [sys.executable, "-m", "tests.fuzz.one", name, f"-max_total_time={asked.seconds}", "-timeout=20",
                 "-rss_limit_mb=2048", "-max_len=4096", "-print_final_stats=1", f"-artifact_prefix={folder}-",
                 str(folder), *filter(Path.is_dir, [CHECKED_IN / name])]  # fmt: skip
        if subprocess.run([str(word) for word in words]).returncode:
            failed.append(name)
    if failed:
        print(f"bugs in: {', '.join(failed)}; the inputs are below {KEPT}/")
    return bool(failed)


sys.exit(main())
