"""A message as mail, by SMTP. The password stands in no error: what a server says to a login is left out."""

from __future__ import annotations

import smtplib
import ssl

from aifactory_runtime.contract.channels import EmailChannel
from aifactory_runtime.notify import forms, secret
from aifactory_runtime.notify.message import Message
from aifactory_runtime.notify.undelivered import Undelivered, because

TIMEOUT_SECONDS = 10
_FOR_GOOD = 500


def send(channel: EmailChannel, message: Message) -> None:
    """Deliver it to each recipient; Undelivered when the server takes it for none of them."""
    password = secret.read(channel.password_file) if channel.password_file else None
    letter = forms.mail(message, channel)
    server: smtplib.SMTP | None = None
    try:
        server = _connected(channel)
        if channel.login is not None and password is not None:
            server.login(channel.login, password)
        server.send_message(letter, channel.sender, list(channel.recipients))
    except smtplib.SMTPRecipientsRefused as error:
        codes = sorted({code for code, _ in error.recipients.values()})
        raise Undelivered(f"recipients refused ({', '.join(map(str, codes))})") from None
    except smtplib.SMTPDataError as error:
        raise Undelivered(f"answered {error.smtp_code}", refused=error.smtp_code >= _FOR_GOOD) from None
    except smtplib.SMTPResponseException as error:
        raise Undelivered(f"answered {error.smtp_code}") from None
    except (OSError, ValueError) as error:
        raise Undelivered(because(error)) from None
    finally:
        if server is not None:
            server.close()


def _connected(channel: EmailChannel) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if channel.encryption == "tls":
        return smtplib.SMTP_SSL(channel.server, channel.port, timeout=TIMEOUT_SECONDS, context=context)
    server = smtplib.SMTP(channel.server, channel.port, timeout=TIMEOUT_SECONDS)
    if channel.encryption == "starttls":
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
    return server
