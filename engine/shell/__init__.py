"""The interactive shell and the running of scripts; speaks to the engine through the DB-API surface in ``driver``."""
