"""
The story: one durable workflow a dossier, deterministic.

May import rules and its own messages. Must never touch a database, mail, the web, a
setting or the wall clock: effects.py names what the world does for it.
"""
