"""The course's seed, and a token for each exercise that somebody has done.

A token is an HMAC under a key that is made from the seed. Whoever has the seed can compute every token, and a student's
kernel has it, for it must say the token. So a token shows which name and which exercise a line was copied from; it does
not show that anybody worked. Marks come from the grader's own run.
"""

from __future__ import annotations

import hmac
import os
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from trustlab.classroom.exercise import PUBLIC_SEED, ClassroomError

SEED_VARIABLE = "TRUSTLAB_COURSE_SEED"
SEED_FILE = "course.seed"
SHORTEST, LONGEST = 8, 4096


def read_seed(path: str | Path) -> bytes:
    """Return the seed in a file: all its bytes, without space at the ends. ClassroomError if it is no seed."""
    try:
        with Path(path).open("rb") as file:
            seed = file.read(LONGEST + 1).strip()
    except OSError as error:
        reason = (error.strerror or "no reason is known").lower()
        raise ClassroomError(f"the course seed {path} cannot be read ({reason}): name a file with the seed") from error
    if not SHORTEST <= len(seed) <= LONGEST:
        raise ClassroomError(
            f"the course seed {path} has {len(seed)} bytes: write {SHORTEST} to {LONGEST} into it, such as "
            "32 random hex digits"
        )
    return seed


def course_seed(folder: Path | None = None) -> bytes:
    """Return the seed of this course: the file that the environment names, the one in the folder, or the public one."""
    named = os.environ.get(SEED_VARIABLE)
    if named:
        return read_seed(named)
    beside = (folder or Path.cwd()) / SEED_FILE
    return read_seed(beside) if beside.is_file() else PUBLIC_SEED


def token(seed: bytes, student: str, exercise: str) -> str:
    """Return the token of one student for one exercise: 16 hex digits."""
    key = HKDF(SHA256(), 32, None, b"trustlab classroom tokens").derive(seed)
    return hmac.digest(key, f"{exercise}\0{student}".encode(), "sha256").hex()[:16]


def is_token(said: str, seed: bytes, student: str, exercise: str) -> bool:
    """Whether this is that token."""
    return hmac.compare_digest(said.encode(), token(seed, student, exercise).encode())
