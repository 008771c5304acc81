"""What an installation of Échéance must be told, checked at start."""

import ipaddress
import os
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "ECHEANCE_"
CHECKOUT = Path(__file__).resolve().parent

_SEAL_BYTES = 32
_MAIL_KEYS = 2  # the one in use and the one that replaces it

Port = Annotated[int, Field(ge=1, le=65535)]


class SettingsError(ValueError):
    """A setting is missing or wrong; the text is one sentence for the operator."""


class Settings(BaseSettings):
    """Every setting: variable ECHEANCE_<NAME>, or a file of that name for a secret."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        # docker-compose.yml hands on what its reader left empty.
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    # PostgreSQL
    database_url: str = Field(
        repr=False,
        description="Database, as postgresql+psycopg://user:password@host:port/name.",
    )

    # Temporal
    temporal_address: str = Field(
        "127.0.0.1:7233", description="Temporal frontend, host:port."
    )
    temporal_namespace: str = Field("default", description="Temporal namespace.")
    temporal_keys: SecretStr | None = Field(
        None,
        description="Keys that seal what enters Temporal, as id=base64 of 32 bytes, a "
        "comma between two: the first seals, the others still open. Set them before "
        "the first dossier; see the runbook.",
    )
    build_id: str | None = Field(
        None,
        description="Name of this build. With it, a dossier's run stays on the build "
        "that began it, and moves at its next chapter; see the runbook.",
    )
    temporal_ui_url: str = Field(
        "http://127.0.0.1:8233", description="Where staff open Temporal's own pages."
    )

    # Mail that leaves
    smtp_host: str = Field("127.0.0.1", description="Relay that takes our letters.")
    smtp_port: Port = Field(25, description="Port of the relay.")
    smtp_tls: Literal["none", "starttls", "implicit"] = Field(
        "none", description="How the relay is spoken to; never downgraded."
    )
    smtp_username: str | None = Field(None, description="Account at the relay, if any.")
    smtp_password: SecretStr | None = Field(
        None, description="Password of that account."
    )
    smtp_ca_file: Path | None = Field(
        None, description="Authorities (PEM) that sign a private relay's certificate."
    )
    smtp_connections: int = Field(
        4, ge=1, le=50, description="Most connections kept open to the relay."
    )
    mail_from: str = Field(
        "infocertificat@echeance.example", description="Address in From of letters."
    )
    mail_domain: str = Field(
        "echeance.example", description="Domain at the right of each Message-ID."
    )
    mail_key: SecretStr = Field(
        description="Key (HMAC) from which Message-IDs are derived; never changed."
    )
    return_address: str = Field(
        "retour@echeance.example",
        description="Address that letters come back to, each under an address of its "
        "own: retour+<token>@domain. Its mail must reach the intake.",
    )
    mail_per_minute: int = Field(
        300, gt=0, description="Most letters handed to the relay in one minute."
    )
    mail_per_minute_to_a_domain: int = Field(
        60, gt=0, description="Most letters to addresses of one domain in one minute."
    )
    relay_log_url: str | None = Field(
        None,
        description="GET <url>/<Message-ID> answers 200 if the relay took the letter, "
        "404 if it did not. Without it a doubt is settled by policy.",
    )

    # The operator
    operator_address: str | None = Field(
        None,
        description="Where the sweeps report once a day, also when all is well; "
        "without it they do not.",
    )
    operator_language: Literal["fr", "en"] = Field(
        "fr", description="Language of that report."
    )
    heads_dir: Path | None = Field(
        None,
        description="Folder to which the heads of all histories are exported once a "
        "day, signed; best on another machine's disk. Without it, an end cut off a "
        "history is not seen.",
    )

    # Mail that comes in
    intake_address: str = Field(
        "infocertificat@echeance.example",
        description="Address to which people write about a certificate.",
    )
    lmtp_host: str = Field("127.0.0.1", description="Address the intake listens on.")
    lmtp_port: Port = Field(8024, description="LMTP port of the intake.")
    mail_authserv_id: str | None = Field(
        None,
        description="Name under which our own mail server writes "
        "Authentication-Results; without it no sender counts as proven.",
    )
    imap_host: str | None = Field(
        None, description="Mailbox to read by IMAP besides LMTP, if any."
    )
    imap_port: Port = Field(993, description="Port of the mailbox.")
    imap_tls: Literal["none", "starttls", "implicit"] = Field(
        "implicit", description="How the mailbox is spoken to; never downgraded."
    )
    imap_username: str | None = Field(None, description="Account of the mailbox.")
    imap_password: SecretStr | None = Field(
        None, description="Password of that account."
    )
    imap_folder: str = Field("INBOX", description="Folder that is read.")
    imap_kept_folder: str = Field(
        "Echeance", description="Folder to which a message moves once it is kept."
    )
    mail_webhook_secret: SecretStr | None = Field(
        None,
        description="Keys (whsec_ and base64, two at most, a comma between them) that "
        "sign messages posted to /api/v1/mail; without one that door is closed.",
    )
    office_help_address: str = Field(
        "aide@echeance.example", description="Where letters send people for help."
    )
    office_telephone: str | None = Field(
        None, description="Its telephone, on each page's help: 514 555-0123."
    )
    office_hours_fr: str | None = Field(
        None,
        description="When it answers, in French, on each page's help: du lundi au "
        "vendredi, de 8 h 30 à 16 h 30.",
    )
    office_hours_en: str | None = Field(
        None, description="The same in English: Monday to Friday, 8:30 am to 4:30 pm."
    )
    office_keeps_fr: str | None = Field(
        None,
        description="How long it keeps a file, in French, on the page about privacy: "
        "sept ans après sa fermeture. Unset, the page says that it is not known.",
    )
    office_keeps_en: str | None = Field(
        None, description="The same in English: seven years after it is closed."
    )

    # Sign-in: an OpenID Connect provider an audience
    sign_in_person_issuer: str | None = Field(
        None,
        description="Issuer where representatives sign in; without it they cannot.",
    )
    sign_in_person_client_id: str = Field(
        "echeance", description="Our name at the issuer of persons."
    )
    sign_in_person_client_secret: SecretStr | None = Field(
        None, description="Our secret at the issuer of persons."
    )
    sign_in_person_acr: str | None = Field(
        None,
        description="Levels of proof (acr) taken from the issuer of persons, spaces "
        "between them.",
    )
    sign_in_business_issuer: str | None = Field(
        None, description="Issuer where agencies sign in; without it they cannot."
    )
    sign_in_business_client_id: str = Field(
        "echeance", description="Our name at the issuer of businesses."
    )
    sign_in_business_client_secret: SecretStr | None = Field(
        None, description="Our secret at the issuer of businesses."
    )
    sign_in_business_acr: str | None = Field(
        None,
        description="Levels of proof (acr) taken from the issuer of businesses, spaces "
        "between them.",
    )
    sign_in_staff_issuer: str | None = Field(
        None,
        description="Issuer where officers sign in; without it they cannot.",
    )
    sign_in_staff_client_id: str = Field(
        "echeance", description="Our name at the issuer of staff."
    )
    sign_in_staff_client_secret: SecretStr | None = Field(
        None, description="Our secret at the issuer of staff."
    )
    sign_in_staff_acr: str | None = Field(
        None,
        description="Levels of proof (acr) taken from the issuer of staff, spaces "
        "between them.",
    )
    sign_in_officer_group: str = Field(
        "agents", description="Group claim that makes an officer of the Office."
    )
    sign_in_decider_group: str = Field(
        "decideurs", description="Group claim that lets an officer decide a refusal."
    )
    sign_in_staff_decision_acr: str | None = Field(
        None,
        description="Levels of proof (acr) that an officer needs to decide on a right, "
        "spaces between them. Beyond one machine it must be named where officers sign "
        "in; any: the session's own is enough.",
    )
    sign_ins_per_minute: int = Field(
        20, gt=0, description="Most sign-ins begun from one address in one minute."
    )
    sign_ins_per_minute_of_all: int = Field(
        600, gt=0, description="Most sign-ins begun in one minute, of everybody."
    )

    # Doors
    public_url: str = Field(
        "http://127.0.0.1:8000", description="Address of the service as people see it."
    )
    api_host: str = Field("127.0.0.1", description="Address the API listens on.")
    api_port: Port = Field(8000, description="Port the API listens on.")
    payment_provider: Literal["simulator", "stripe"] | None = Field(
        None,
        description="Who takes payments by card; nobody if not given, the simulator on "
        "the one-machine stack, which alone may name it.",
    )
    payment_webhook_secret: SecretStr = Field(
        description="Keys that sign the payment provider's messages: two, a comma "
        "between them, while one takes the place of the other. Of the simulator, "
        "whsec_ and base64; of Stripe, the signing secrets of its endpoint."
    )
    stripe_api_key: SecretStr | None = Field(
        None, description="Secret key of the account at Stripe, a test account's too."
    )
    stripe_api_url: str = Field(
        "https://api.stripe.com", description="Where Stripe's interface answers."
    )
    trusted_proxies: str = Field(
        "127.0.0.1",
        description="Addresses of the proxies before the API, a comma between them, "
        "whose X-Forwarded-For is believed: who asks too often is told by it.",
    )
    verifications_per_minute: int = Field(
        30, gt=0, description="Most public verifications of one address in one minute."
    )
    verifications_per_minute_of_all: int = Field(
        1200, gt=0, description="Most public verifications in one minute, of everybody."
    )
    verification_lists_per_minute: int = Field(
        10, gt=0, description="Most lists of numbers of one agency in one minute."
    )
    brand_dir: Path | None = Field(
        None, description="Folder of the operator's look (docs/brand.md)."
    )
    tokens_file: Path | None = Field(
        None,
        description="JSON of tokens by role (officers: two), made on the embedded "
        "stack, given elsewhere; those of persons, agencies and officers open the "
        "embedded stack only.",
    )

    # Documents
    office_name: str = Field(
        "Office de la protection du consommateur",
        description="Who issues certificates and writes letters, as documents name it.",
    )
    office_address: str | None = Field(
        None,
        description="Its postal address, a semicolon between two lines, on letters for "
        "the post.",
    )
    signing_key_file: Path | None = Field(
        None,
        description="Private key (PEM) that signs certificates; without it none is "
        "made as a file.",
    )
    signing_chain_file: Path | None = Field(
        None,
        description="Certificates (PEM) of that key: its own first, its root last.",
    )

    # The installation
    data_dir: Path = Field(
        CHECKOUT / "var", description="Folder of everything kept on this machine."
    )
    embedded: bool = Field(
        default=False, description="True on the one-machine stack, never in production."
    )
    allow_clear_text_network: bool = Field(
        default=False,
        description="Says that the network to Temporal and before the API is private; "
        "without it only loopback addresses are taken.",
    )
    log_format: Literal["console", "json"] = Field(
        "console", description="Lines for people or for machines."
    )
    ready_file: Path | None = Field(
        None, description="File that worker and intake touch once they take work."
    )
    secrets_dir: Path | None = Field(
        None,
        description="Folder of secret files, each named like its variable in small "
        "letters.",
    )

    @model_validator(mode="after")
    def _speaks_postgresql(self) -> Self:
        if not self.database_url.startswith("postgresql+psycopg://"):
            raise ValueError(
                "ECHEANCE_DATABASE_URL must begin with postgresql+psycopg://"
            )
        return self

    @model_validator(mode="after")
    def _can_seal(self) -> Self:
        told = self.temporal_keys
        named = [part.partition("=")[0].strip() for part in _parts(told)]
        keys = self.keys_for_temporal()
        right = all(name and len(key) == _SEAL_BYTES for name, key in keys.items())
        if not right or len(keys) < len(named):
            raise ValueError(
                "ECHEANCE_TEMPORAL_KEYS holds keys of 32 bytes, each an id of its own, "
                "= and base64, a comma between them"
            )
        return self

    @model_validator(mode="after")
    def _takes_real_money_or_none(self) -> Self:
        if self.payment_provider == "simulator" and not self.embedded:
            raise ValueError(
                "ECHEANCE_PAYMENT_PROVIDER is simulator, which takes no money: it is "
                "for the one-machine stack only"
            )
        if self.payment_provider == "stripe" and self.stripe_api_key is None:
            raise ValueError(
                "ECHEANCE_STRIPE_API_KEY is missing, and "
                "ECHEANCE_PAYMENT_PROVIDER is stripe"
            )
        return self

    @model_validator(mode="after")
    def _decides_with_proof(self) -> Self:
        decides = self.sign_in_staff_issuer and not self.embedded
        if decides and not self.sign_in_staff_decision_acr:
            raise ValueError(
                "ECHEANCE_SIGN_IN_STAFF_DECISION_ACR is missing: name the levels of "
                "proof with which an officer may decide on a right, or any if the "
                "session's own is enough"
            )
        return self

    @model_validator(mode="after")
    def _stays_private(self) -> Self:
        if self.embedded or self.allow_clear_text_network:
            return self
        temporal = self.temporal_address.rpartition(":")[0]
        mailbox = self.imap_host if self.imap_tls == "none" else None
        for variable, host in (
            ("ECHEANCE_TEMPORAL_ADDRESS", temporal),
            ("ECHEANCE_API_HOST", self.api_host),
            ("ECHEANCE_IMAP_HOST", mailbox or "localhost"),
        ):
            if not _is_loopback(host):
                raise ValueError(
                    f"{variable} is {host}, which is reached in clear text: use a "
                    "loopback address, or set ECHEANCE_ALLOW_CLEAR_TEXT_NETWORK=true "
                    "if that network is private"
                )
        return self

    @model_validator(mode="after")
    def _can_sign_in_to_its_mailbox(self) -> Self:
        if self.imap_host and not (self.imap_username and self.imap_password):
            raise ValueError(
                "ECHEANCE_IMAP_HOST needs ECHEANCE_IMAP_USERNAME and "
                "ECHEANCE_IMAP_PASSWORD"
            )
        return self

    @model_validator(mode="after")
    def _has_keys_for_mail(self) -> Self:
        keys = self.mail_webhook_keys()
        if len(keys) > _MAIL_KEYS or not all(keys):
            raise ValueError(
                "ECHEANCE_MAIL_WEBHOOK_SECRET holds one key or two, each whsec_ and "
                "base64, a comma between them"
            )
        return self

    @property
    def decision_acr(self) -> str | None:
        """The levels of proof for a decision on a right; None if any will do."""
        named = self.sign_in_staff_decision_acr
        return None if named in {None, "", "any"} else named

    def keys_for_temporal(self) -> dict[str, bytes]:
        """Return the keys that seal what enters Temporal, by id; the first is in use.

        None at all: nothing is sealed.
        """
        parts = [part.partition("=") for part in _parts(self.temporal_keys)]
        return {name.strip(): _key(written) for name, _, written in parts}

    def mail_webhook_keys(self) -> tuple[bytes, ...]:
        """Return the keys of the webhook for mail; an empty one is no key at all."""
        return tuple(_key(each) for each in _parts(self.mail_webhook_secret))


def _parts(told: SecretStr | None) -> list[str]:
    text = told.get_secret_value().strip() if told else ""
    return text.split(",") if text else []


def _key(written: str) -> bytes:
    word = written.strip().removeprefix("whsec_")
    try:
        return b64decode(word + "=" * (-len(word) % 4), validate=True)
    except ValueError:
        return b""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def load_settings() -> Settings:
    """Read the environment and the secret files.

    Raises SettingsError, whose text names the variable that is missing or wrong.
    """
    folder = os.environ.get(f"{PREFIX}SECRETS_DIR")
    if folder and not Path(folder).is_dir():
        raise SettingsError(f"ECHEANCE_SECRETS_DIR: the folder {folder} is missing.")
    try:
        return Settings(_secrets_dir=folder or None)
    except ValidationError as problem:
        raise SettingsError(_sentence(problem)) from None


def settings_from(values: Mapping[str, str]) -> Settings:
    """Build the settings from variables given as a mapping (ECHEANCE_… to text).

    An empty one counts as not given, as in the environment.
    """
    own = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in values.items()
        if name.startswith(PREFIX) and value
    }
    try:
        return Settings.model_validate(own)
    except ValidationError as problem:
        raise SettingsError(_sentence(problem)) from None


def without_secrets(settings: Settings) -> dict[str, str]:
    """Return each variable and its effective value, secrets covered."""
    shown = {
        f"{PREFIX}{name.upper()}": str(value)
        for name, value in settings.model_dump(mode="json").items()
        if value is not None
    }
    shown[f"{PREFIX}DATABASE_URL"] = _covered(settings.database_url)
    return shown


def _covered(url: str) -> str:
    password = urlsplit(url).password
    return url.replace(f":{password}@", ":**********@") if password else url


def _sentence(problem: ValidationError) -> str:
    first = problem.errors()[0]
    if not first["loc"]:
        return first["msg"].removeprefix("Value error, ") + "."
    name = str(first["loc"][0])
    variable = f"{PREFIX}{name.upper()}"
    field = Settings.model_fields.get(name)
    meaning = field.description if field else ""
    if first["type"] == "missing":
        return f"{variable} is missing: {meaning}"
    return f"{variable} is wrong ({first['msg']}): {meaning}"
