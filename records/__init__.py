"""
What is stored: tables, the questions asked of them, their migrations.

May import rules. Must never import the story, send a letter or decide anything.
"""
