"""
The effects: each touches the world once and may be repeated without harm.

May import rules, the messages of workflows, records, letters, payments, documents,
intake and settings. Must never decide what the law or a story decides.
"""
