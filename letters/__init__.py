"""
What is said: the words of each letter, its composition, its hand-over by SMTP.

May import rules, the standard library, jinja2, markupsafe, babel, icalendar,
aiosmtplib and httpx2. Must never read a setting, a record, a story or a clock: a
letter says what it is told.
"""
