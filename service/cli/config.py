"""`revet config check` and `revet config show`."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.text import Text

from service.api.moment import write_moment
from service.application.issuer_report import RuleReport, report_rules
from service.application.submission import SubmissionError, read_submission
from service.bootstrap.outside import check_trust_stores, local_trust_store
from service.bootstrap.tracing import check_tracing
from service.cli.json_output import print_json
from service.cli.options import ConfigOption, JsonOption, fail, fail_settings, output, read_settings
from service.cli.rendering import visible_answer
from service.cli.service_client import as_text
from service.core.model.failure import Malformed
from service.core.path.trust_store import with_intermediates
from service.settings import Settings, SettingsError, load_settings

config_app = typer.Typer(help="The settings.", no_args_is_help=True)

ForOption = Annotated[
    Path | None,
    typer.Option(
        "--for", help="PEM or DER file: tell which rule for issuers applies to each certificate of its chain."
    ),
]


@config_app.command("check")
def check_config(config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """Read the settings and the trust stores as `serve` would. Exit code 2 with everything that is wrong."""
    try:
        settings = load_settings(config, os.environ)
        settings.require_trust_store()
        check_trust_stores(settings)
        check_tracing(settings)
    except SettingsError as error:
        if as_json:
            print_json({"good": False, "problems": error.problems, "warnings": []})
        raise fail_settings(error) from error
    if as_json:
        print_json({"good": True, "problems": [], "warnings": list(settings.warnings())})
        return
    for warning in settings.warnings():
        output.print(f"Warning: {warning}.")
    output.print("The settings are good.")


@config_app.command("show")
def show_config(config: ConfigOption = None, certificate: ForOption = None, *, as_json: JsonOption = False) -> None:
    """Print every setting in force as JSON; of secrets only their number. With --for, what holds for a certificate."""
    settings = read_settings(config)
    if certificate is None:
        print_json(settings.masked())
        return
    found = [_document(one) for one in _reports(settings, certificate)]
    if as_json:
        print_json(found)
    else:
        output.print(Group(*(_rendered(visible_answer(one)) for one in found)))


def _reports(settings: Settings, path: Path) -> tuple[RuleReport, ...]:
    """What holds for each certificate of the chain in a file.

    Raises:
        typer.Exit: the file or the trust store cannot be read; the reason is printed.
    """
    try:
        submission = read_submission(as_text(path.read_bytes()), (), settings.max_intermediates)
    except OSError as error:
        raise fail(f"{path}: {error.strerror}") from error
    except SubmissionError as error:
        raise fail(f"{path}: {error}") from error
    if isinstance(submission.leaf, Malformed):
        raise fail(f"{path}: {submission.leaf.reason}")
    try:
        store = with_intermediates(local_trust_store(settings), submission.intermediates)
    except SettingsError as error:
        raise fail_settings(error) from error
    return report_rules(submission.leaf, store, settings.policy())


def _document(report: RuleReport) -> dict[str, object]:
    """A report as JSON; knobs are called as in the settings."""
    certificate, policy, exemption = report.certificate, report.policy, report.exemption
    return {
        "subject": certificate.subject.text,
        "serial_number": f"{certificate.serial_number:x}",
        "issuer": certificate.issuer.text,
        "rule": report.rule,
        "why": report.why,
        "in_scope": report.in_scope,
        "revocation_mode": policy.revocation_mode,
        "revocation_scope": policy.revocation_scope,
        "evidence_order": policy.evidence_order,
        "grace_s": policy.grace.total_seconds(),
        "ocsp_nonce": policy.ocsp_nonce,
        "crl_urls": report.crl_urls,
        "ocsp_urls": report.ocsp_urls,
        "exemption": None
        if exemption is None
        else {"until": write_moment(exemption.until), "reason": exemption.reason},
    }


def _rendered(document: Mapping[str, Any]) -> Text:
    scope = "" if document["in_scope"] else ", which leaves this one out"
    lines = [
        f"{document['rule'] or 'what holds for all'}: {document['why']}",
        f"revocation_mode {document['revocation_mode']}, evidence_order {document['evidence_order']}",
        f"grace_s {document['grace_s']:g}, ocsp_nonce {document['ocsp_nonce']}",
        f"revocation_scope {document['revocation_scope']}{scope}",
        f"CRLs from {', '.join(document['crl_urls']) or 'nowhere'}",
        f"OCSP from {', '.join(document['ocsp_urls']) or 'nowhere'}",
    ]
    exemption = document["exemption"]
    if exemption is not None:
        lines.append(f"needs no answer until {exemption['until']}: {exemption['reason']}")
    text = Text.assemble((document["subject"] or "(no subject)", "bold"), f", serial {document['serial_number']}")
    for line in lines:
        text.append(f"\n  {line}")
    return text
