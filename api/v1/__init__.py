"""
The JSON of version 1, by who asks: a person, partners, the Office, a provider.

May import what api may. Must never answer outside of the models of answers.py.
"""
