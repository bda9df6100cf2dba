"""Scenarios: the acts, who rents what and says what; used by demo, notebooks, tests and benchmarks."""

from trustlab.scenarios.acts import Act, Outcome, make, plain_tls, trusted_passage
from trustlab.scenarios.record import Recording, record

__all__ = ["Act", "Outcome", "Recording", "make", "plain_tls", "record", "trusted_passage"]
