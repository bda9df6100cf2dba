"""Timings as ratios: things that are compared are measured side by side, in one process run."""
