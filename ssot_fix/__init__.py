"""How code is migrated safely: the engine under the codemods."""

import os

__version__ = "0.1.0"
# Before __main__ takes PYTHONPATH out and puts PYTHONSAFEPATH in: with it the user's own commands are started.
SURROUNDINGS = dict(os.environ)
