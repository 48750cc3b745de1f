"""The verbs by name, each imported when it is called, and the one place where a failure becomes lines and an
exit code.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import click

from gateway.cli import memory
from gateway.errors import GatewayError
from gateway.foundation import process

WIDTH = 100

VERBS: Mapping[str, tuple[str, str]] = {
    "init": (
        "gateway.cli.administration.init:initialise_node",
        "Make a node: keys, first descriptor, database, settings.",
    ),
    "serve": ("gateway.cli.administration.serve:serve_node", "Run the node until it is stopped."),
    "keyd": (
        "gateway.cli.identity.keyd:serve_keys",
        "Hold the keys in a process of their own; trm serve starts it by itself.",
    ),
    "doctor": (
        "gateway.cli.administration.doctor:check_node",
        "Check everything about a node, with the fix for each finding.",
    ),
    "diagnostics": (
        "gateway.cli.administration.diagnostics:collect_diagnostics",
        "Write one file for the people who help, without content, names or ids.",
    ),
    "database": (
        "gateway.cli.administration.database:database_commands",
        "Show where the rows of a node are; move them to a PostgreSQL server and back.",
    ),
    "node": (
        "gateway.cli.administration.node:node_commands",
        "Show the node's identity and status; write its pairing file.",
    ),
    "clock": (
        "gateway.cli.administration.clock:clock_commands",
        "Show, confirm and reset the time by which this node erases and destroys.",
    ),
    "keys": (
        "gateway.cli.identity.keys:key_commands",
        "Rotate, revoke and publish keys; manage root keys, tombstones and proofs.",
    ),
    "alarm": ("gateway.cli.administration.node:alarm_commands", "List and dismiss what needs a person's attention."),
    "peer": (
        "gateway.cli.trust.peers:peer_commands",
        "Manage trust: add, compare digits, verify, approve, narrow, suspend, revoke, ping.",
    ),
    "admin": (
        "gateway.cli.trust.admin:admin_commands",
        "Manage administrators, who may change trust, each with a key of their own.",
    ),
    "change": (
        "gateway.cli.trust.changes:change_commands",
        "Read a change of trust on a second device before somebody signs it.",
    ),
    "policy": (
        "gateway.cli.policy.policies:policy_commands",
        "Show, compare, adopt and approve the corridor policy: what may leave.",
    ),
    "person": (
        "gateway.cli.access.people:person_commands",
        "Manage the people at the console, each with their own passkey.",
    ),
    "login": (
        "gateway.cli.access.logins:sign_in",
        "Sign in at this shell as a person who works here, for some hours.",
    ),
    "whoami": ("gateway.cli.access.logins:show_who", "Show who you are to the node, by which credential, until when."),
    "logout": ("gateway.cli.access.logins:sign_out", "End your token at the node, and remove its file."),
    "token": (
        "gateway.cli.access.tokens:token_commands",
        "Create, list and revoke tokens of the local API, one role each.",
    ),
    "send": ("gateway.cli.messages.sending:send_messages", "Submit and release messages."),
    "attachment": (
        "gateway.cli.attachments:attachment_commands",
        "Add, list and save the files that go with messages.",
    ),
    "draft": (
        "gateway.cli.messages.drafts:draft_commands",
        "List, preview, release and discard drafts from the case system.",
    ),
    "message": ("gateway.cli.messages.messages:message_commands", "Show messages with their states and receipts."),
    "conversation": ("gateway.cli.messages.exchange:conversation_commands", "Show conversations, message by message."),
    "procedure": (
        "gateway.cli.procedures.procedures:procedure_commands",
        "Show a region's procedure: who does what in each stage.",
    ),
    "region": (
        "gateway.cli.region:region_commands",
        "Begin, check, install and list region packs: countries, procedure, calendars.",
    ),
    "alert": ("gateway.cli.alerts.alerts:alert_commands", "List and acknowledge safety alerts."),
    "asylum": (
        "gateway.cli.policy.asylum:asylum_commands",
        "Place and lift holds towards feared States in asylum cases.",
    ),
    "statistics": (
        "gateway.cli.statistics:statistics_commands",
        "Make and show counts that identify nobody; answer a request for them.",
    ),
    "case": ("gateway.cli.cases.person:case_commands", "List, name and hand over cases; merge, split and move them."),
    "consent": ("gateway.cli.consent:consent_commands", "Record, show and withdraw the consent of a person."),
    "erase": ("gateway.cli.erasure:erase_content", "Erase a message or a conversation, here and in the case system."),
    "erasure": ("gateway.cli.erasure:erasure_commands", "List, follow and refuse the erasure requests of peers."),
    "retention": ("gateway.cli.erasure:retention_commands", "Apply retention periods; place and lift legal holds."),
    "evidence": (
        "gateway.cli.evidence:evidence_commands",
        "Export the proof of a conversation; verify it without a node.",
    ),
    "audit": (
        "gateway.cli.cases.audit:audit_commands",
        "Show, verify and export the audit log; what was done in a case.",
    ),
    "directory": (
        "gateway.cli.directory:directory_commands",
        "Find whom to contact in another country; publish the offices of this one.",
    ),
    "guidance": (
        "gateway.cli.guidance:guidance_commands",
        "Search short texts on what to do; check the node's own texts.",
    ),
    "words": (
        "gateway.cli.words:words_commands",
        "Review the translations of the program: a workbook for each language, out and back.",
    ),
    "schema": ("gateway.cli.mapping.integrate:schema_commands", "Show message types field by field; check a draft."),
    "mapping": (
        "gateway.cli.mapping.mappings:mapping_commands",
        "Check a mapping file; preview what becomes of each field.",
    ),
    "htcds": ("gateway.cli.mapping.htcds:htcds_commands", "Convert HTCDS 2.0 records to drafts of referrals and back."),
    "sheet": ("gateway.cli.mapping.sheet:sheet_commands", "Make a line list for an office that has no case system."),
    "adapter": (
        "gateway.cli.mapping.adapters:adapter_commands",
        "List, create and check adapters, which connect the case system.",
    ),
    "webhook": ("gateway.cli.alerts.webhooks:webhook_commands", "Notify systems in this country of what happens."),
    "backup": (
        "gateway.cli.administration.backup:backup_commands",
        "Make and verify encrypted backups for an offline recovery key.",
    ),
    "restore": ("gateway.cli.administration.backup:restore_node", "Make a node folder from two backups."),
    "demo": ("gateway.demo:run_demo", "Exchange referrals between four countries on this machine."),
}

UNASKED = "without a terminal an option answers, such as a passphrase file or --yes: --help lists them"

RESTORE = "check the disk with the node stopped, then restore the node folder from its backup: docs/backup.md"


class Verbs(click.Group):
    """Commands that are imported when they are used, so that `trm --help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the verbs in the order of the table, which is the order of a node's life."""
        return [*VERBS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command."""
        if cmd_name not in VERBS:
            return None
        module, _, name = VERBS[cmd_name][0].partition(":")
        found = getattr(importlib.import_module(module), name)
        if not isinstance(found, click.Command):
            raise RuntimeError(f"{module} has no command {name}")
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Print the list of verbs without importing one."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in VERBS.items()])

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> NoReturn:
        """Run one verb and leave with its exit code."""
        sys.exit(self._run(args, extra))

    def _run(self, args: Sequence[str] | None, extra: Mapping[str, Any]) -> int:
        process.harden()
        memory.look_seldom()
        memory.give_back()
        try:
            code = super().main(args, prog_name="trm", standalone_mode=False, **extra)
        except click.UsageError as exc:
            path = exc.ctx.command_path if exc.ctx is not None else "trm"
            return _tell(_lower(exc.format_message()), [f"{path} --help shows how it is used"], code=2)
        except click.ClickException as exc:
            return _tell(_lower(exc.format_message()), [], code=1)
        except click.Abort as exc:
            if not isinstance(exc.__context__, EOFError):
                return _tell("stopped before the end", [], code=1)
            click.echo(err=True)  # the question is still on this line
            return _tell("nobody is there to answer; nothing was done", [UNASKED], code=1)
        except GatewayError as exc:
            return report_error(exc)
        except BrokenPipeError:
            sys.stderr.close()
            return 1
        except OSError as exc:
            what = (exc.strerror or type(exc).__name__).lower()
            return _tell(what if exc.filename is None else f"{exc.filename}: {what}", [], code=1)
        except Exception as exc:  # noqa: BLE001 (the border of the process: the text of a fault may hold what it handled)
            if is_database_damaged(exc):
                return _tell("the database of this node is damaged", [RESTORE], code=1)
            return _tell(f"an error of the program itself: {describe_fault(exc)}", ["report it with this line"], code=1)
        return code if isinstance(code, int) else 0


def is_database_damaged(error: BaseException) -> bool:
    """Whether SQLite found that its file is no database or is incomplete: no error of the program, and a reason to
    stop.
    """
    import sqlite3

    error = _first(error)
    return type(getattr(error, "orig", error)) is sqlite3.DatabaseError


def _first(error: BaseException) -> BaseException:
    """Return the first error of a group, which stands for all of them."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def describe_fault(error: BaseException) -> str:
    """Describe an internal error by its type and place in the source, never by its text."""
    error = _first(error)
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    return type(error).__name__ + place


def report_error(error: GatewayError) -> int:
    """Print what happened, where, and what to do next; return the exit code."""
    findings = [f"  {f.place or '(whole)'}: {f.rule}" + (f"  {f.hint}" if f.hint else "") for f in error.findings]
    return _tell(error.what or str(error.code), [error.hint] if error.hint else [], findings=findings, code=1)


def _tell(what: str, hints: Sequence[str], *, code: int, findings: Sequence[str] = ()) -> int:
    from gateway.cli.output import strip_controls

    click.echo(strip_controls(f"trm: error: {what}"), err=True)
    for line in findings:
        click.echo(strip_controls(line), err=True)
    for hint in hints:
        click.echo(strip_controls(f"trm: hint: {hint}"), err=True)
    return code


def _lower(text: str) -> str:
    """Convert a message of the option parser to the style of this program: lower case, no full stop."""
    return (text[:1].lower() + text[1:]).rstrip(".")


@click.command(
    "trm",
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": WIDTH},
    epilog="A node folder is named by --node DIR or TRM_NODE. Every command has --help with an example.",
)
@click.version_option(package_name="trm-gateway", prog_name="trm", message="%(prog)s %(version)s")
def trm() -> None:
    """TRM Gateway: exchange referrals between National Referral Mechanisms, from node to node.

    \b
    First steps:
      trm init DIR --help      make a node
      trm serve --node DIR     run it
      trm doctor --node DIR    see what is missing
      trm demo                 watch four countries on this machine
    """
