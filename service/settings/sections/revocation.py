"""What an allow needs."""

from typing import Annotated, Final

from pydantic import BaseModel, Field

from service.core.model.policy import EvidenceOrder, KeyPurpose, OcspNonce, Profile, RevocationMode, RevocationScope
from service.settings.issuers import Issuers
from service.settings.places import StoreNames
from service.settings.shown import DOCUMENTED
from service.settings.values import MAX_GRACE_S, ReadableList, Seconds, Whole

MAX_VERDICT_TTL_S: Final = 86_400
"""A day: CRLs are commonly issued once a day, and a verdict that lives longer would hide the next one."""

MAX_CLOCK_SKEW_S: Final = 3_600
"""An hour: the usual tolerance is minutes (Kerberos: five); more is a clock to repair."""

MAX_DEADLINE_MS: Final = 60_000
"""A minute: what a load balancer waits for (ALB: 60 s by default; API Gateway: 29 s)."""

MAX_CACHED_VERDICTS: Final = 1_000_000
"""Of one worker, some kilobytes each."""


class Revocation(BaseModel):
    """What an allow needs."""

    model_config = DOCUMENTED

    revocation_mode: RevocationMode = RevocationMode.HARD_FAIL
    """How much evidence of not being revoked an allow needs."""
    revocation_scope: RevocationScope = RevocationScope.CHAIN
    """Which certificates of a path are asked about: all but the anchor, or the leaf alone."""
    evidence_order: EvidenceOrder = EvidenceOrder.CRL_FIRST
    """Which methods are admitted, and which is fetched first; `both` fetches both at once."""
    profile: Profile = Profile.STANDARD
    """How much of what RFC 5280 demands of CRL issuers is insisted upon: `strict` refuses CRLs without a CRL number,
    `standard` notes it in the answer."""
    ocsp_nonce: OcspNonce = OcspNonce.OFF
    """Whether OCSP requests carry a nonce, and whether answers must: [nonces](revocation.md#nonces). Held answers then
    no longer save a request, and no verdicts are kept."""
    ocsp_trusted_responders: ReadableList = ()
    """Certificates of OCSP responders whose answers count for every issuer: [trusted
    responders](revocation.md#trusted-responders)."""
    key_purpose: KeyPurpose = KeyPurpose.CLIENT
    """What a certificate's extendedKeyUsage and keyUsage have to allow: client authentication, server authentication,
    or anything. `any` is for device certificates that were issued for servers; one without extendedKeyUsage passes
    always."""
    max_verdict_ttl_s: Annotated[Seconds, Field(ge=0, le=MAX_VERDICT_TTL_S)] = 60.0
    """Cap on `valid_until`: for how long at most a caller may reuse an answer."""
    clock_skew_s: Annotated[Seconds, Field(ge=0, le=MAX_CLOCK_SKEW_S)] = 60.0
    """Tolerance around thisUpdate and nextUpdate of evidence. Not around the validity of certificates."""
    grace_s: Annotated[Seconds, Field(ge=0, le=MAX_GRACE_S)] = 0.0
    """How long after nextUpdate evidence still serves. Longer than 0, a CA that is down for so long stops nobody, and
    a revocation may go unseen for so long more."""
    deadline_ms: Annotated[Whole, Field(ge=1, le=MAX_DEADLINE_MS)] = 500
    """For one request, fetches included. A fetch under way goes on for those who ask next."""
    allow_request_overrides: bool = False
    """Whether a request may carry [`options`](api.md#options). With tokens configured, only an administrator's."""
    verdict_cache_entries: Annotated[Whole, Field(ge=0, le=MAX_CACHED_VERDICTS)] = 20_000
    """Verdicts that each worker keeps until something changes that they depend on; 0 keeps none. None are kept where
    [nonces](revocation.md#nonces) are wanted, by a rule for one issuer even."""
    shadow: bool = False
    """Whether `revoked` and `revocation_unavailable` are recorded, and
    [answered as allow](revocation.md#shadow-mode)."""
    shadow_trust_stores: StoreNames = ()
    """Trust stores for which they are."""
    issuer: Issuers = ()
    """Rules for single issuers, in the TOML file alone: [`[[issuer]]`](#rules-for-issuers)."""
