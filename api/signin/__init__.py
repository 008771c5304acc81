"""
Who is there: sign-in with an identity provider, sessions of our own, forms of our own.

May import records, settings and the pages' frame. Must never keep a password, nor put
into a cookie anything but a random value.
"""
