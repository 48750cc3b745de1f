"""Mail that says that something waits at the desk, and nothing about it. No adapter: nothing comes in or goes out."""

from adapters.email.mailer import Mailer

__all__ = ["Mailer"]
