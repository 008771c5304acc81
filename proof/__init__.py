"""The proof: a reference, a judge, random lives, and planted bugs that must be found.

May import the product; no part of the product may import it. `reference` imports
nothing of the product: it is written from the law and the Office's pages alone.
"""
