"""The version that coordinators and executors must share; the same as the distribution's."""

VERSION = "0.1.0"
