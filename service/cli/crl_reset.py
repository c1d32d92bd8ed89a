"""`revet crl reset`: accept the lower CRL numbers of an authority that was rebuilt."""

from typing import Annotated

import typer

from service.cli.json_output import print_json
from service.cli.operating import Service, ServiceOption
from service.cli.options import DEFAULT_URL, JsonOption, fail, output
from service.cli.rendering import visible_answer
from service.cli.service_client import AskError

IssuerOption = Annotated[str | None, typer.Option("--issuer", help="Every CRL of this issuer (RFC 4514).")]
SlotOption = Annotated[str | None, typer.Option("--slot", help="One slot, by twelve hexadecimal digits or more.")]
SourceOption = Annotated[str | None, typer.Option("--source", help="Every CRL that came from this source.")]


def reset_crls(
    issuer: IssuerOption = None,
    slot: SlotOption = None,
    source: SourceOption = None,
    url: ServiceOption = DEFAULT_URL,
    *,
    as_json: JsonOption = False,
) -> None:
    """Accept lower CRL numbers: forget those that a slot has seen. What is held stays until a newer one comes."""
    meant = {name: value for name, value in (("issuer", issuer), ("slot", slot), ("url", source)) if value is not None}
    if len(meant) != 1:
        raise fail("give one of --issuer, --slot and --source")
    try:
        answer = Service.at(url).call("POST", "/v1/crls/reset", meant)
    except AskError as error:
        raise fail(error.reason) from error
    if as_json:
        print_json(answer)
        return
    for one in visible_answer(answer)["reset"]:
        number = "without a number" if one["crl_number"] is None else one["crl_number"]
        held = f"held: crl {number} from {one['fetched_from']}"
        output.print(f"{one['slot'][:12]}  {one['issuer']}, {held}")
    output.print("Lower CRL numbers are accepted there now: revet refresh fetches them.")
