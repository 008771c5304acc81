"""Every message made here, by what it is about; no real person or company in it."""

from enum import StrEnum
from itertools import chain

from tests.intake import (
    written_by_programs,
    written_by_robots,
    written_by_servers,
    written_by_strangers,
    written_in_english,
    written_in_french,
    written_in_servers_words,
    written_in_threads,
    written_with_malice,
    written_with_other_wishes,
)
from tests.intake.messages import Case


class About(StrEnum):
    """What the Office receives, and what it must survive."""

    REQUEST = "a request to transfer, in any words"
    INCOMPLETE = "a request that lacks something"
    DOUBTFUL_NUMBER = "a number to ask back, never to guess"
    ANSWER = "an answer to a letter that says what is missing"
    QUOTING = "an answer as each program quotes"
    PHONE = "a phone, or both languages at once"
    SIGNATURE = "numbers that are none"
    CANCELLATION = "a cancellation"
    ADDRESS = "a change of address"
    AGENCY = "a change of agency"
    PAYMENT = "a payment"
    EXAM = "a question about an exam"
    DISAGREEMENT = "observations and complaints"
    ANYTHING = "anything else"
    SENDER = "a sender, proven or not"
    ON_BEHALF = "for somebody else"
    ENCLOSED = "the request in a file"
    FORWARD = "a message passed on"
    HTML = "a page"
    CHARSET = "charsets and transport"
    FORM = "parts and headers"
    REPORT = "a report of RFC 3464"
    BOUNCE = "a bounce in words"
    RETURN_PATH = "what comes to a return path"
    ABSENCE = "an absence, an automatic answer"
    PROGRAM = "receipts, invitations, tickets"
    LIST = "a list, a newsletter"
    LOOP = "our own mail, a loop"
    SPAM = "spam"
    LIMIT = "beyond a limit"
    BROKEN = "broken, or without a header"
    HOSTILE = "hostile"


CORPUS: dict[About, tuple[Case, ...]] = {
    About.REQUEST: written_in_french.REQUESTS + written_in_english.REQUESTS,
    About.INCOMPLETE: written_in_french.INCOMPLETE + written_in_english.INCOMPLETE,
    About.DOUBTFUL_NUMBER: written_in_french.DOUBTFUL + written_in_english.DOUBTFUL,
    About.ANSWER: written_in_french.ANSWERS + written_in_english.ANSWERS,
    About.QUOTING: written_in_threads.REPLIES,
    About.PHONE: written_in_threads.PHONES,
    About.SIGNATURE: written_in_threads.SIGNATURES,
    About.CANCELLATION: written_with_other_wishes.CANCELLATIONS,
    About.ADDRESS: written_with_other_wishes.ADDRESSES,
    About.AGENCY: written_with_other_wishes.AGENCIES,
    About.PAYMENT: written_with_other_wishes.PAYMENTS,
    About.EXAM: written_with_other_wishes.EXAMS,
    About.DISAGREEMENT: written_with_other_wishes.DISAGREEMENTS,
    About.ANYTHING: written_with_other_wishes.OTHERS,
    About.SENDER: written_by_strangers.SENDERS,
    About.ON_BEHALF: written_by_strangers.ON_BEHALF,
    About.ENCLOSED: written_by_strangers.ENCLOSED,
    About.FORWARD: written_by_programs.FORWARDS,
    About.HTML: written_by_programs.HTML,
    About.CHARSET: written_by_programs.CHARSETS,
    About.FORM: written_by_programs.FORMS,
    About.REPORT: written_by_servers.REPORTS,
    About.BOUNCE: written_in_servers_words.CASES,
    About.RETURN_PATH: written_by_servers.TO_A_RETURN_PATH,
    About.ABSENCE: written_by_robots.ABSENCES,
    About.PROGRAM: written_by_robots.PROGRAMS,
    About.LIST: written_by_robots.LISTS,
    About.LOOP: written_by_robots.OURS,
    About.SPAM: written_by_robots.SPAM,
    About.LIMIT: written_with_malice.LIMITS,
    About.BROKEN: written_with_malice.BROKEN,
    About.HOSTILE: written_with_malice.HOSTILE,
}

CASES: tuple[Case, ...] = tuple(chain.from_iterable(CORPUS.values()))
