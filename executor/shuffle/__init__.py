"""Shuffle output: Arrow IPC files with a manifest, written once, read by memory map or over Arrow Flight."""
