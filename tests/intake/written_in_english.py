"""Plain English messages, as invented people write them, each with its reading."""

from intake.understanding import Wish
from tests.intake.messages import (
    BOTH_GIVEN,
    BOTH_GIVEN_OLD_FIRST,
    NEW,
    OLD,
    Case,
    Reading,
    a_message,
    an_answer,
    in_english,
)

REQUESTS = (
    Case(
        "the three items, one a line",
        a_message(
            f"""Hello,

New file number: {NEW}
I would like to transfer my exam result.
Expired certificate number: {OLD}

Regards,
Joan Pelletier
"""
        ),
        in_english(BOTH_GIVEN),
    ),
    Case(
        "from one to the other",
        a_message(f"Hi, please transfer my exam result from {OLD} to {NEW}. Thanks"),
        in_english(BOTH_GIVEN_OLD_FIRST),
    ),
    Case(
        "to one from the other",
        a_message(f"Please transfer my exam to file {NEW} from certificate {OLD}."),
        in_english(BOTH_GIVEN),
    ),
    Case(
        "a story",
        a_message(
            f"My certificate {OLD} expired on December 10, 2026 while I was ill. "
            f"I have opened a new file, number {NEW}. "
            "Could my exam result be moved there?"
        ),
        in_english(BOTH_GIVEN_OLD_FIRST),
    ),
    Case(
        "very short, from a phone",
        a_message(f"tranfer exam pls. old {OLD} new {NEW}\nSent from my Galaxy"),
        in_english(BOTH_GIVEN_OLD_FIRST),
    ),
    Case(
        "file against certificate",
        a_message(f"Transfer my exam please.\nFile no. {NEW}\nCertificate no. {OLD}"),
        in_english(BOTH_GIVEN),
    ),
    Case(
        "a legal notice under the text",
        a_message(
            f"Please transfer my exam result. New file: {NEW}\n\n"
            "Confidentiality notice: do not cancel, copy or transfer this message."
        ),
        in_english(Reading(new_dossier=NEW, numbers=(NEW,))),
    ),
)

INCOMPLETE = (
    Case(
        "the number is going to be found later",
        a_message(
            "I want my exam result in the new file. I will send the number later."
        ),
        in_english(Reading(wish=Wish.OTHER)),
    ),
    Case(
        "a person who does not know how",
        a_message(f"Hi, not sure how to transfer my exam. New file {NEW}"),
        in_english(Reading(new_dossier=NEW, numbers=(NEW,))),
    ),
)

DOUBTFUL = (
    Case(
        "a sibling kind of certificate",
        a_message("Please transfer my exam to my new file CCV202700012345, thank you"),
        in_english(Reading(suspicious=("CCV202700012345",))),
    ),
)

ANSWERS = (
    Case(
        "an answer under the quotation",
        an_answer(
            f"""On Fri, Jan 15, 2027 at 9:00 AM Office <infocertificat@echeance.example>
wrote:
> What is the number of your expired certificate?
> Your new file: {NEW}

It is my old certificate: {OLD}
Thank you
"""
        ),
        in_english(
            Reading(
                wish=Wish.OTHER,
                new_dossier=NEW,
                expired_certificate=OLD,
                numbers=(OLD, NEW),
            )
        ),
    ),
    Case(
        "an Outlook answer above an unmarked original",
        an_answer(
            f"""The expired certificate is {OLD}.

-----Original Message-----
From: Office <infocertificat@echeance.example>
Sent: January 15, 2027 9:00 AM
To: Joan Pelletier
Subject: File {NEW}

Please transfer: your new file is {NEW}.
"""
        ),
        in_english(
            Reading(
                wish=Wish.OTHER,
                new_dossier=NEW,
                expired_certificate=OLD,
                numbers=(OLD, NEW),
            )
        ),
    ),
)

CASES = REQUESTS + INCOMPLETE + DOUBTFUL + ANSWERS
