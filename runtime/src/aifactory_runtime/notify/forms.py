"""A message in the form that its receiver shows: plain JSON, Slack, a card of a Teams workflow, mail. No I/O."""

from __future__ import annotations

import re
from email.message import EmailMessage
from typing import Any

from aifactory_runtime.contract.channels import EmailChannel
from aifactory_runtime.notify import message as messages
from aifactory_runtime.notify.message import Message

_MARKS = re.compile(r"([\\`*_\[\]()#~>|])")
_LIST = re.compile(r"^([-+]|\d+\.)")


def plain(message: Message) -> dict[str, Any]:
    """All that the message says, for programs."""
    return messages.values(message)


def slack(message: Message) -> dict[str, Any]:
    """What an incoming webhook of Slack takes; names of columns cannot become links or call people."""
    lines = [f"*{_slack(message.title)}*", *map(_slack, message.lines)]
    return {"text": "\n".join(lines)}


def teams(message: Message) -> dict[str, Any]:
    """What a workflow of Teams that begins with a webhook takes: an adaptive card, which reads a bit of Markdown."""
    title = {"type": "TextBlock", "text": _teams(message.title), "wrap": True, "weight": "Bolder", "size": "Medium"}
    lines = [{"type": "TextBlock", "text": _teams(line), "wrap": True, "spacing": "Small"} for line in message.lines]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [title, *lines],
    }
    attached = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attached]}


def mail(message: Message, channel: EmailChannel) -> EmailMessage:
    """A letter; its Message-ID is the message's, so a reader's program shows one that comes twice once."""
    letter = EmailMessage()
    letter["Subject"] = message.title
    letter["From"] = channel.sender
    letter["To"] = ", ".join(channel.recipients)
    letter["Message-ID"] = f"<{message.id}@{channel.sender.rpartition('@')[2]}>"
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content("\n".join([message.title, "", *message.lines]) + "\n")
    return letter


def _slack(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _teams(text: str) -> str:
    return _LIST.sub(r"\\\1", _MARKS.sub(r"\\\1", text))
