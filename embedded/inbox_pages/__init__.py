"""The mail catcher's pages and JSON: letters to read, and a pen for who got them.

May import what the inbox stands on (letterbox, intake door, reports) and the wording
of letters; must never touch the database or Temporal, nor hold a sentence outside
words.toml.
"""
