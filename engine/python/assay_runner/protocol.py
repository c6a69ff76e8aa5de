# SPDX-License-Identifier: Apache-2.0
"""Frames of JSON with descriptors over the channel to the judge. One request is answered by one or two frames, requests
that wait in their order."""

import json
import os

import _assay_native as native

VERSION = 1
MAX_REQUEST_BYTES = 192 << 20  # the judge is trusted: large constants travel in requests
MAX_ANSWER_BYTES = 4 << 20


class Descriptors:
    """The descriptors of one request; closes those that nobody took."""

    def __init__(self, numbers):
        self._numbers = list(numbers)

    def __len__(self):
        return len(self._numbers)

    def __getitem__(self, index):
        return self._numbers[index]

    def close(self):
        for number in self._numbers:
            os.close(number)
        self._numbers = []


class Link:
    """The runner's end of the channel."""

    def __init__(self, channel_fd):
        self._channel = native.Channel(channel_fd)

    def receive(self):
        """(text, Descriptors), or None when the judge is gone."""
        frame = self._channel.receive(MAX_REQUEST_BYTES)
        return None if frame is None else (frame[0], Descriptors(frame[1]))

    def send(self, answer, descriptors=()):
        text = json.dumps(answer, separators=(",", ":"), allow_nan=False).encode()
        if len(text) > MAX_ANSWER_BYTES:
            raise ValueError(f"an answer of {len(text)} bytes is longer than the judge reads")
        # However long the judge is busy with another runner: its job's deadline ends this process.
        self._channel.send(text, list(descriptors))
