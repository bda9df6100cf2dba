"""Who holds which secret, from when on; and how each was made, as Python that a reader can run.

Names are always kept: that the bank holds a master secret is no secret. Values only where they were asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab.inspector.rows import text_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustlab.trace import TraceEvent


class Secret(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A secret that a party holds from ladder row `row` on.

    `hex` is empty unless values were asked for, and never in repr; `inputs` are the names of what it was made of.
    """

    party: str
    name: str
    row: int
    hex: str = ""
    connection: str = ""
    inputs: tuple[str, ...] = ()
    snippet: str = ""

    def __repr__(self) -> str:
        return f"<Secret {self.name!r} of {self.party}>"


def secret_of(event: TraceEvent, row: int, *, values: bool) -> Secret:
    """Return what a `secret` event says, its octets only with `values`."""
    inputs = event.data.get("inputs")
    return Secret(
        party=event.party,
        name=event.name,
        row=row,
        hex=event.raw.hex() if values else "",
        connection=text_of(event, "connection"),
        inputs=tuple(str(x) for x in inputs) if isinstance(inputs, list) else (),
    )


PRF = """import hashlib, hmac

def prf(secret, label, seed, length):  # RFC 5246, 5
    seed, out, a = label + seed, b"", label + seed
    while len(out) < length:
        a = hmac.digest(secret, a, "sha256")
        out += hmac.digest(secret, a + seed, "sha256")
    return out[:length]
"""

RECIPES = {
    "master_secret": ("pre_master_secret", "master secret", ("client_random", "server_random"), "RFC 5246, 8.1"),
    "key_block": ("master_secret", "key expansion", ("server_random", "client_random"), "RFC 5246, 6.3"),
}


def snippet(secret: Secret, known: Mapping[str, str]) -> str:
    """Return Python that recomputes a TLS 1.2 secret from `known` values (hex), or nothing where one is missing."""
    recipe = RECIPES.get(secret.name)
    if recipe is None or not secret.hex:
        return ""
    source, label, seeds, clause = recipe
    if secret.inputs and set(secret.inputs) != {source, *seeds}:
        return ""  # made in another way than this recipe's (an extended master secret, say)
    if not all(known.get(name) for name in (source, *seeds)):
        return ""
    given = "\n".join(f'{name} = bytes.fromhex("{known[name]}")' for name in (source, *seeds))
    call = f'prf({source}, b"{label}", {" + ".join(seeds)}, {len(secret.hex) // 2})'
    return f'{PRF}\n{given}\n{secret.name} = {call}  # {clause}\nprint({secret.name}.hex() == "{secret.hex}")\n'
