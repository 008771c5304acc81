"""
What is handed over on paper or kept as a file: certificates, and letters for the post.

May import rules, settings, the standard library, babel, typst, segno and pyhanko. Must
never read a record, a story or a clock: a document says what it is told, and the same
facts give the same bytes.
"""
