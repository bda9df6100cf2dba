"""Passive decoding: frames and keys in, messages and knowledge out, by calling `tls` codecs.

`PassiveDecoder` writes for a connection of strangers the events our own engine would write; `knowledge` derives what a
party knows from the octets it saw and the keys it holds.
"""

from trustlab.capture.decoded import Decoded, Trouble
from trustlab.capture.decoder import ConnectionDecoder
from trustlab.capture.errors import CaptureError
from trustlab.capture.export import write_trace
from trustlab.capture.flight import FieldsInFlight
from trustlab.capture.keys import PRIVATE_KEY, KeyLogReader, SeenHandshake, TraceKeys, keylog, parse_keylog
from trustlab.capture.knowledge import Knowledge, knowledge
from trustlab.capture.limits import CaptureLimits
from trustlab.capture.live import Sniffer, packets
from trustlab.capture.offline import CaptureProgress, decode_frames, decode_pcapng
from trustlab.capture.opening import open_trace
from trustlab.capture.passive import PassiveDecoder

__all__ = [
    "PRIVATE_KEY",
    "CaptureError",
    "CaptureLimits",
    "CaptureProgress",
    "ConnectionDecoder",
    "Decoded",
    "FieldsInFlight",
    "KeyLogReader",
    "Knowledge",
    "PassiveDecoder",
    "SeenHandshake",
    "Sniffer",
    "TraceKeys",
    "Trouble",
    "decode_frames",
    "decode_pcapng",
    "keylog",
    "knowledge",
    "open_trace",
    "packets",
    "parse_keylog",
    "write_trace",
]
