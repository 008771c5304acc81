"""
Paying: what is asked of a payment provider, and the provider that only pretends.

May import rules. Must never touch the tables or a story, nor see a card.
"""
