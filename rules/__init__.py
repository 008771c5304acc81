"""
The law as pure code: dates in, answers out.

May import the standard library only. Must never read a clock, a file that is
not its own table, a database, a network or a setting.
"""
