"""Random examples are the same on every run, and are never a matter of speed."""

from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None)
settings.load_profile("ci")
