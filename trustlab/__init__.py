"""trustlab: watch plain TLS fall to the owner of the data centre, and a trusted passage hold."""

__version__ = "0.1.0"
