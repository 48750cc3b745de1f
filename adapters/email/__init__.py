"""E-mail notices that something waits at the desk, without a word about it. No adapter: no message passes here."""

from adapters.email.mailer import Mailer

__all__ = ["Mailer"]
