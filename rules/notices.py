"""Which notices speak of a right, so that the person must be reached by some way."""

ABOUT_A_RIGHT = frozenset(
    {
        *("reminder_90", "reminder_60", "reminder_30", "reminder_14"),
        *("reminder_7", "reminder_1", "reminder_0"),
        *("exam_ends_90", "exam_ends_30", "exam_ends_14"),
        *("exam_ends_7", "exam_ends_1", "exam_ends_0"),
        *("expired", "exam_lapsed", "suspended", "unlinked_too_long"),
        *("items_missing", "transfer_accepted", "finalize", "invoice"),
        *("intended_refusal", "refused", "request_closed"),
        *("link_requested", "link_refused", "link_ended"),
        *("cancellation_asked", "cancelled", "payment_reversed", "correction_made"),
        "address_changed",
    }
)
"""A delay runs for the reader, or a right is lost, refused or given back.

Our policy, not law: the Office says only that it writes by e-mail.
"""
