"""One django-pyas2 site for the bench, tuned as well as we know how. Runs in `.venv-peers`, never in the product.

The folder in `AS2_SITE` holds everything of the site; its `site.json` names the site, its partner and the partner's
address. Started twice by `pyas2_peer.py`: `python as2_site.py` prepares the database, gunicorn serves `application`.

What is tuned, and why: WAL with immediate transactions and a long busy timeout (without them most requests fail from
8 concurrent on); `synchronous=FULL`, the same promise as ours; connections and parsed settings kept; no middleware, no
login, no form on the sending view; keys without a passphrase and no chain walk for the pinned certificates.
"""

import json
import os
import sys
from pathlib import Path
from uuid import uuid4

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application

FOLDER = Path(os.environ["AS2_SITE"])
SITE = json.loads((FOLDER / "site.json").read_text())

settings.configure(
    DEBUG=False,
    SECRET_KEY=SITE["secret"],
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "pyas2"],
    MIDDLEWARE=[],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(FOLDER / "as2.sqlite3"),
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "timeout": 30,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY",
            },
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    MEDIA_ROOT=str(FOLDER / "files"),
    LOGGING_CONFIG=None,
    USE_TZ=True,
)
django.setup()

from django.core.management import call_command
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from pyas2.models import Mdn, Message, Organization, Partner, PrivateKey, PublicCertificate
from pyas2.views import ReceiveAs2Message
from pyas2lib import Message as As2Message


def send_body(request: HttpRequest) -> HttpResponse:
    """Send the posted body to the partner: the calls of the command `sendas2message`, without its form and login."""
    sender = Organization.objects.select_related("signature_key", "encryption_key").get(as2_name=SITE["name"])
    receiver = Partner.objects.select_related("signature_cert", "encryption_cert").get(as2_name=SITE["partner"])
    outgoing = As2Message(sender=sender.as2org, receiver=receiver.as2partner)
    filename = f"{uuid4()}.json"
    outgoing.build(
        request.body,
        filename=filename,
        subject=receiver.subject,
        content_type=receiver.content_type,
        disposition_notification_to="bench@example.org",
    )
    stored, _ = Message.objects.create_from_as2message(
        as2message=outgoing, payload=request.body, filename=filename, direction="OUT", status="P"
    )
    stored.send_message(outgoing.headers, outgoing.content)
    return JsonResponse({"status": stored.status}, status=200 if stored.status == "S" else 502)


def count_stored(request: HttpRequest) -> HttpResponse:
    """Answer how many messages by direction and status, and how many signed answers, this site has stored."""
    return JsonResponse(
        {
            "sent": Message.objects.filter(direction="OUT", status="S").count(),
            "received": Message.objects.filter(direction="IN", status="S", signed=True, encrypted=True).count(),
            "answers": Mdn.objects.filter(signed=True).count(),
        }
    )


urlpatterns = [
    path("receive", ReceiveAs2Message.as_view()),
    path("send", send_body),
    path("counts", count_stored),
]
application = get_wsgi_application()


def prepare_site() -> None:
    """Make the tables, this site's organisation with its key and the partner with its certificate."""
    call_command("migrate", verbosity=0)
    key = PrivateKey.objects.create(name="own", key=(FOLDER / "own.pem").read_bytes(), key_pass="")
    certificate = PublicCertificate.objects.create(
        name="partner", certificate=(FOLDER / "partner.pem").read_bytes(), verify_cert=False
    )
    Organization.objects.create(name=SITE["name"], as2_name=SITE["name"], encryption_key=key, signature_key=key)
    Partner.objects.create(
        name=SITE["partner"],
        as2_name=SITE["partner"],
        target_url=SITE["partner_url"],
        content_type="application/octet-stream",
        encryption="aes_256_cbc",
        encryption_cert=certificate,
        signature="sha256",
        signature_cert=certificate,
        mdn=True,
        mdn_mode="SYNC",
        mdn_sign="sha256",
    )


if __name__ == "__main__":
    prepare_site()
    sys.exit(0)
