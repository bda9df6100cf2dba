"""Fuzz one target with atheris (libFuzzer) instead of our own engine, for long runs; `pip install atheris` first.

    python tests/fuzz/atheris_soak.py server13 -max_total_time=3600

What it finds goes to the folder of libFuzzer's -artifact_prefix; new inputs that reach something are kept in a folder
beside the corpus, since `make_corpus.py` decides what belongs in it.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[1]))

with atheris.instrument_imports(include=["trustlab.tls"]):
    from trustlab import tls

from fuzz_engine import CORPUS
from fuzz_targets import BY_NAME, run


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] not in BY_NAME:
        sys.exit(f"which target? one of {', '.join(BY_NAME)}")
    target = BY_NAME[sys.argv[1]]
    seeds = [str(CORPUS / target.name)] if (CORPUS / target.name).is_dir() else []
    found = tempfile.mkdtemp(prefix=f"trustlab-{target.name}-")
    sys.stdout.write(f"{tls.__name__}: new inputs go to {found}\n")
    atheris.Setup(
        [sys.argv[0], found, *seeds, "-max_len=32768", *sys.argv[2:]], lambda data: (run(target, data), None)[1]
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
