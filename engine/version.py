"""The version of Shoal."""

from shoal.executor.protocol.version import VERSION

__version__ = VERSION
