"""What kind of letter a notice is: to whom it goes, and whether it is about a right."""

LINK_REMINDER = "link_reminder"
"""To an agency that has not answered, on the wish of the person who waits."""

TO_AGENCIES = frozenset({"link_requested", LINK_REMINDER})
"""Notices written to the agency of a link; every other goes to the person."""

CERTIFICATE_REISSUED = "certificate_reissued"
"""Brings a new copy of a certificate, for a reason; without its file it is false."""

BRINGS_A_CERTIFICATE = frozenset(
    {"certificate_issued", "renewed", CERTIFICATE_REISSUED}
)
"""The letters that bring the certificate of a term as a file."""

TO_ANOTHER_ADDRESS = frozenset({"address_to_confirm", "address_changed"})
"""Letters to an address that is not on file: the one to come, or the one before.

Their text is where they go, and they are sent to no other.
"""

ABOUT_A_RIGHT = frozenset(
    {
        *("reminder_90", "reminder_60", "reminder_30", "reminder_14"),
        *("reminder_7", "reminder_1", "reminder_0"),
        *("exam_ends_90", "exam_ends_30", "exam_ends_14"),
        *("exam_ends_7", "exam_ends_1", "exam_ends_0"),
        *("expired", "exam_lapsed", "suspended", "unlinked_too_long"),
        *("items_missing", "transfer_accepted", "finalize", "invoice"),
        *("intended_refusal", "refused", "request_closed"),
        *("link_requested", "link_refused", "link_ended", LINK_REMINDER),
        *("cancellation_asked", "cancelled", "payment_reversed", "correction_made"),
        "address_changed",
    }
)
"""A delay runs for the reader, or a right is lost, refused or given back.

Our policy, not law: the Office says only that it writes by e-mail.
"""
