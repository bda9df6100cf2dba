"""Scenarios: the acts, who rents what and says what; used by demo, notebooks, tests and benchmarks."""

from trustlab.scenarios.acts import plain_tls, rung, trusted_passage
from trustlab.scenarios.record import Recording, record
from trustlab.scenarios.stage import Act, Outcome

__all__ = ["Act", "Outcome", "Recording", "plain_tls", "record", "rung", "trusted_passage"]
