"""Mutants of our own modules, each run against the tests of its room, show how sharp those are."""
