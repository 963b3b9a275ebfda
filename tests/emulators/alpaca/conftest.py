"""The venue's client is imported here first: later imports of its parts then find it without its warnings."""

from tests.emulators.alpaca import sdk

assert sdk.WAIT_S > 0
