"""
Reading an RBR .hex of 11,199 samples x 8 channels: talik beside tsp, CPU seconds, in turns, best of three.

    python benchmarks/reading_rbr.py --tsp /path/to/python-with-tsp-1.12.1 [--file REAL.hex]

Without --file the .hex is made up: a year and a quarter of hourly counts. tsp runs in an interpreter of its own (it is
GPL-3 and needs other versions); each side is timed in a child process, after the import and a first reading.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

ROWS, CHANNELS, TURNS = 11_199, 8, 3

TALIK = """
import json, sys, time
import talik
[record] = talik.read(sys.argv[1])
began = time.process_time(); [record] = talik.read(sys.argv[1]); spent = time.process_time() - began
print(json.dumps({"cpu": spent, "shape": record.values.shape, "mean": float(record.values[1:].mean())}))
"""

TSP = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
from tsp.readers import read_rbr
read_rbr(sys.argv[1])
began = time.process_time(); found = read_rbr(sys.argv[1]); spent = time.process_time() - began
print(json.dumps({"cpu": spent, "shape": found.values.shape, "mean": float(found.values[1:].mean())}))
"""


def made_up(path: Path) -> Path:
    """A .hex of an XR-420 that measured every hour."""
    counts = (round(2**24 * (0.08 + 0.02 * math.sin(2 * math.pi * i / 8766) * math.exp(-j / 4)))
              for i in range(ROWS) for j in range(CHANNELS))
    body = "150609210000170930000000010000" + "0" * 66 + "".join(f"{count:06X}" for count in counts)
    lines = ["RBR XR-420  6.80 019999 (Windows: 6.13 - Minimum required: 5.14)", "Host time     16/09/18 11:46:38",
             "Logger time   16/09/18 11:43:07", "Logging start 15/06/09 21:00:00", "Logging end   17/09/30 00:00:00",
             "Sample period          01:00:00",
             f"Number of channels =  {CHANNELS}, number of samples =  {ROWS}, mode: Logging in progress", "E08%9.4f"]
    for channel in range(1, CHANNELS + 1):
        lines += [f"Calibration  {channel}: 0.004322425471910", "                -0.000277844586590",
                  "                0.000003636200630", "                -0.000000128166800 Degrees_C"]
    lines += ["Memory type: 6 AT45DB642D_LP", "Logger start:Start of logging ", "Number of bytes in header 48", "",
              " " * 25 + "Temp      " * CHANNELS, f"Number of bytes of data {len(body) // 2}", "|     " * CHANNELS]
    path.write_text("\n".join([*lines, *(body[i:i + 48] for i in range(0, len(body), 48)), ""]))
    return path


def timed(interpreter: str, program: str, file: Path) -> dict[str, object]:
    """What a child prints about one reading."""
    answer = subprocess.run([interpreter, "-c", program, str(file)], check=True, capture_output=True, text=True)
    found: dict[str, object] = json.loads(answer.stdout.splitlines()[-1])
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tsp", required=True, help="a Python that has tsp 1.12.1")
    options.add_argument("--file", type=Path, help="a .hex of your own")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = chosen.file or made_up(Path(folder) / "made_up.hex")
        turns = [(timed(sys.executable, TALIK, file), timed(chosen.tsp, TSP, file)) for _ in range(TURNS)]
    spent = [(float(str(ours["cpu"])), float(str(theirs["cpu"]))) for ours, theirs in turns]
    ours, theirs = (min(side) for side in zip(*spent, strict=True))
    ratios = ", ".join(f"{b / a:.0f}" for a, b in spent)
    print(f"talik {ours:.3f} CPU-s, tsp {theirs:.2f} CPU-s: {theirs / ours:.0f} times (turns: {ratios})")
    print(f"both read {turns[0][0]['shape']}; means {turns[0][0]['mean']} and {turns[0][1]['mean']}")


if __name__ == "__main__":
    main()
