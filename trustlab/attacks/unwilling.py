"""What an unwilling customer tries: Carol, who must show how old her antivirus is before the bank pays.

No program of Alice's: the acts are played by `scenarios.third_party`, and the bank is the relying party.
"""

from __future__ import annotations

from trustlab.attacks.attack import Attack

STALE_ANTIVIRUS = Attack(
    name="stale-antivirus",
    needs=("a machine of Carol's own, with an outdated antivirus",),
    steps=("lets her measured agent say what it finds, and orders a payment",),
    breaks="trust",
    why="Good code in a bad state is still good code to a measurement of code.",
    source="Trusted Passages (2011)",
    stopped_by="the policy's demand on what the measured agent claims",
    prize="service",
)
LYING_AGENT = Attack(
    name="lying-agent",
    needs=("a machine of Carol's own, with an outdated antivirus",),
    steps=("changes the agent, so that it claims another date", "orders a payment"),
    breaks="trust",
    why="A claim is worth as much as the code that makes it.",
    source="Trusted Passages (2011)",
    stopped_by="reference values: an agent that was changed is another image",
    prize="service",
)
POSTURE_DRIFT = Attack(
    name="posture-drift",
    needs=("a machine of Carol's own, whose antivirus grows old",),
    steps=("pays while everything is in order", "lets time pass, and pays again"),
    breaks="trust",
    why="Evidence is about the moment it was made in.",
    source="SEAT use cases",
    stopped_by="evidence anew for each payment",
    prize="service",
)
BY_CAROL = {attack.name: attack for attack in (STALE_ANTIVIRUS, LYING_AGENT, POSTURE_DRIFT)}
"""The attacks of an unwilling customer, by name."""
