"""
Paying: what is asked of a payment provider, what it tells, and two providers.

May import rules and settings. Must never touch the tables or a story, nor see a card.
"""
