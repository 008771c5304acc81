"""The parts that let one machine be enough: PostgreSQL, Temporal, mail, launcher.

May import settings and, late, what it starts. Must never be imported by the service
itself, nor run against a server that it did not start.
"""
