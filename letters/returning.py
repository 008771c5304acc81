"""The address a letter comes back to, and which letter an address of ours tells of."""


def token_of(message_id: str) -> str:
    """Name a letter in one word: the left part of its Message-ID."""
    return message_id.strip("<>").partition("@")[0]


def return_path(return_address: str, message_id: str) -> str:
    """Give a letter a return path of its own: local+token@domain.

    The token is the left part of its Message-ID, so a bounce finds its letter even
    when it quotes nothing of it.
    """
    local, _, domain = return_address.rpartition("@")
    return f"{local}+{token_of(message_id)}@{domain}"


def returned_message_id(
    address: str, return_address: str, mail_domain: str
) -> str | None:
    """Name the letter whose return path *address* is; None for any other address.

    Relays may change the case of an address; tokens are lower case.
    """
    local, _, domain = return_address.casefold().rpartition("@")
    name, _, at = address.casefold().rpartition("@")
    token = name.removeprefix(f"{local}+")
    if at != domain or not token or token == name:
        return None
    return f"<{token}@{mail_domain}>"
