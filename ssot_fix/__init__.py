"""How code is migrated safely: the engine under the codemods."""

__version__ = "0.1.0"
