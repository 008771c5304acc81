"""
What comes in: letters and payments, turned into facts that are kept before any answer.

May import records, the messages of the story and rules. Must never decide by law, and
never answer a letter: letters are the story's.
"""
