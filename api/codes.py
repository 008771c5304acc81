"""The codes of the doors' own errors; api/errors.py words each."""

from enum import StrEnum


class Code(StrEnum):
    """The codes that belong to the doors; a story adds Refusal, a number its problem.

    A code never changes its meaning; sentences may.
    """

    # The request itself
    INVALID_REQUEST = "invalid_request"
    BAD_REQUEST = "bad_request"
    NOT_AUTHENTICATED = "not_authenticated"
    WRONG_ROLE = "wrong_role"
    FOREIGN_FORM = "foreign_form"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    BODY_TOO_LARGE = "body_too_large"
    KEY_ALREADY_USED = "key_already_used"
    TOO_MANY_REQUESTS = "too_many_requests"
    TOO_MANY_SIGN_INS = "too_many_sign_ins"
    TOO_MANY_LINES = "too_many_lines"
    # One field
    MISSING = "missing"
    UNKNOWN_FIELD = "unknown_field"
    WRONG_TYPE = "wrong_type"
    MALFORMED_JSON = "malformed_json"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    OUT_OF_RANGE = "out_of_range"
    NOT_A_CHOICE = "not_a_choice"
    BAD_DATE = "bad_date"
    BAD_TEXT = "bad_text"
    BAD_EMAIL = "bad_email"
    BAD_KEY = "bad_key"
    BAD_CURSOR = "bad_cursor"
    BAD_VALUE = "bad_value"
    # What is asked
    DATE_IN_THE_FUTURE = "date_in_the_future"
    FACT_CONTRADICTED = "fact_contradicted"
    UNKNOWN_PERMIT = "unknown_permit"
    PERMIT_NOT_VALID = "permit_not_valid"
    ACCOUNT_OF_ANOTHER_AGENCY = "account_of_another_agency"
    NO_POLICY_ON_THAT_DAY = "no_policy_on_that_day"
    SAME_OFFICER = "same_officer"
    TASK_IN_OTHER_HANDS = "task_in_other_hands"
    UNKNOWN_COLLEAGUE = "unknown_colleague"
    LETTER_ON_ITS_WAY = "letter_on_its_way"
    NAME_NOT_PRINTABLE = "name_not_printable"
    NO_ADDRESS_ON_FILE = "no_address_on_file"
    # Money
    NOTHING_TO_PAY = "nothing_to_pay"
    TOO_LATE_TO_RENEW = "too_late_to_renew"
    EXAM_LAPSED = "exam_lapsed"
    UNLINKED_TOO_LONG = "unlinked_too_long"
    PAYMENTS_NOT_OFFERED = "payments_not_offered"
    UNKNOWN_SESSION = "unknown_session"
    SESSION_SETTLED = "session_settled"
    ALREADY_PAID = "already_paid"
    PAYMENT_UNCERTAIN = "payment_uncertain"
    TOO_MUCH_GIVEN_BACK = "too_much_given_back"
    PROVIDER_AWAY = "provider_away"
    BAD_SIGNATURE = "bad_signature"
    BAD_EVENT = "bad_event"
    # Mail
    MAIL_NOT_SIGNED = "mail_not_signed"
    MAIL_DOOR_BUSY = "mail_door_busy"
    # The world
    STORY_AWAY = "story_away"
    RECORDS_AWAY = "records_away"
    TOO_SLOW = "too_slow"
    INTERNAL = "internal"
