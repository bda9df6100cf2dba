"""Write the seeds: what a peer says in real handshakes of many kinds, for open targets. Run it to begin anew.

python tests/fuzz/make_corpus.py          # seeds from handshakes
python tests/fuzz/make_corpus.py 60       # and a minute of fuzzing for each target, keeping what reaches new lines
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fuzz_engine import CORPUS, Coverage, attempt, corpus, fuzz
from fuzz_targets import BY_NAME, TARGETS, Target, drain, no_cryptography

from trustlab import tls


def keep(target: Target, data: bytes) -> None:
    folder = CORPUS / target.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha256(data).hexdigest()[:12]).write_bytes(data)


def peer_of(target: Target) -> Target:
    """Return the target that answers this one."""
    other = {"client": "server", "server": "client"}[target.role]
    return BY_NAME[target.name.replace(target.role, other, 1)]


def handshake(target: Target, peer: Target, **peer_changes: object) -> bytes:
    """Join a target and a peer; return the peer's stream."""
    left, right = target.connection(), peer.connection()
    right.config = replace(right.config, **peer_changes)
    stream = b""
    with no_cryptography():
        for turn in range(12):
            drain(left)
            right.receive(left.data_to_send())
            drain(right)
            if right.state == "Connected" and turn == 6:
                right.send(b"data")
                if tls.Version.TLS13 in target.versions:
                    right.update_keys(request_peer=True)
                    right.send(b"more data")
                right.close()
            data = right.data_to_send()
            stream += data
            left.receive(data)
        drain(left)
        assert left.handshake_complete, (target, left.error, right.error)
    return stream


def seeds(target: Target) -> None:
    peer = peer_of(target)
    keep(target, handshake(target, peer))
    keep(target, handshake(target, peer, coalesce=True))
    for suite in target.suites:
        tls13 = "_WITH_" not in suite.name
        if tls13 == (tls.Version.TLS13 in target.versions) and (
            tls13 or "RSA" not in suite.name or "-rsa" in target.name
        ):
            keep(target, handshake(target, peer, cipher_suites=(suite,)))
    keep(target, handshake(target, peer, groups=(tls.Group.SECP256R1,), key_shares=(tls.Group.SECP256R1,)))
    if "evidence" not in target.name:
        keep(target, handshake(target, peer, alpn=()))


def grow(target: Target, seconds: float) -> None:
    found, rounds = fuzz(target, seconds=seconds)
    for data in found:
        keep(target, data)
    smallest(target)
    sys.stdout.write(f"{target}: {rounds} rounds, {len(found)} inputs found\n")


def smallest(target: Target) -> None:
    """Drop inputs that reach nothing that smaller ones do not."""
    coverage = Coverage()
    kept = []
    for data in corpus(target):
        before = len(coverage.seen)
        with coverage.watching():
            attempt(target, data)
        if len(coverage.seen) > before:
            kept.append(data)
    for file in (CORPUS / target.name).iterdir():
        file.unlink()
    for data in kept:
        keep(target, data)


if __name__ == "__main__":
    for each in TARGETS:
        seeds(each)
        if len(sys.argv) > 1:
            grow(each, float(sys.argv[1]))
