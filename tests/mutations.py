"""How each guard of docs/invariants.md is taken away: the text that guards, and the text that no longer does.

Rules: a mutation leaves a program that runs; what it takes away is the guard and nothing else. The old text stands
exactly once in the function that the document names.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Mutation:
    """One guard taken away."""

    old: str
    new: str


MUTATIONS: Final[Mapping[str, Mutation]] = {
    # 1: no allow without the evidence that the mode asks for
    "An answer that is needed and missing denies": Mutation("if check.is_needed and element", "if False and element"),
    "A source that is declared makes an answer needed": Mutation(
        "expected = expects_source(certificate, question.policy) or names_issuer", "expected = names_issuer"
    ),
    "A CRL that is held makes an answer needed": Mutation(
        "expected = expects_source(certificate, question.policy) or names_issuer",
        "expected = expects_source(certificate, question.policy)",
    ),
    "A store that cannot be read is no empty store": Mutation("names_issuer=True)", "names_issuer=False)"),
    "A configured CRL that nobody known has signed makes an answer needed": Mutation("or names_waiting ", ""),
    "A configured CRL that cannot be held is not forgotten": Mutation(
        "outcome.result is not Problem.ROLLED_BACK", "outcome.result is Problem.WRONG_ISSUER"
    ),
    "A configured CRL is tried under the keys that a valid path shows": Mutation(
        "if first.waiting and", "if False and"
    ),
    "A configured CRL makes an answer needed under whosever key it is held": Mutation(
        "NAMED_ALONE if self._is_held(transaction, name) else NOTHING_WAITS", "NOTHING_WAITS"
    ),
    "What an order has held is not taken for what a source has": Mutation("and download.pending is None and", "and"),
    "Namesakes keep no configured CRL from its issuer": Mutation(" if room is not None", " if False"),
    "Nobody's word makes a key the one that a CRL names": Mutation("digest.startswith(identifier)", "True"),
    "Who is told that an upload is held is told of his own": Mutation("async with self._alone(name):", "if name:"),
    "A name is one upload's at a time in all workers": Mutation(
        "fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)", "pass"
    ),
    "A claim whose file is gone is none": Mutation("_is(path, descriptor)", "True"),
    "No key of a source is lost for want of room": Mutation(
        "kept.append(one if fits else replace(one, path=()))", "kept += [one] if fits else []"
    ),
    "Whoever signed what a source gave is remembered before others": Mutation("*proven, ", ""),
    "What a CRL that is held verifies under is tried for the next": Mutation(
        "proven = each_once(self._proven(record))[:MAX_GIVEN]", "proven = ()"
    ),
    "No place hides another that somebody else names": Mutation(
        "places = _common(known.source.places, urls)", "places = urls"
    ),
    "Several places are reported whole": Mutation(" or len(order.urls) > 1", ""),
    "A signer whom another trust store knows is heard in all": Mutation(
        "encoded(path[:-1] if path[-1] in roots else path)", "()"
    ),
    "A reset lets nothing older in": Mutation(
        "Watermark(None, meta.this_update, meta.digest)",
        "Watermark(None, meta.this_update.replace(year=1970), meta.digest)",
    ),
    "Text before its armour hides no CRL": Mutation(
        "return not _is_der(data) and _MARK.search(data) is not None", "return _MARK.match(data) is not None"
    ),
    "A CRL that begins to wait ends the kept verdicts": Mutation("self._hot.raise_generation(transaction)", "pass"),
    "A CRL bears the name of somebody who may issue it": Mutation(
        "if not any(same_name(finding.meta.issuer, name) for name in crl_issuers(certificate)):", "if False:"
    ),
    "A CRL verifies under a key": Mutation("if finding.signer_spki is None:", "if False:"),
    "A CRL's issuer may sign CRLs": Mutation("KeyUsage.CRL_SIGN in usage", "True"),
    "Another CRL signer has a valid path": Mutation("isinstance(valid, ValidPath)", "True"),
    "Another CRL signer's path has the same anchor": Mutation(
        "anchors=frozenset({question.path.anchor})", "anchors=question.store.anchors"
    ),
    "No sister signs CRLs in an issuer's name": Mutation("if certifiers.isdisjoint(own):", "if False:"),
    "Who comes with a request unsays nothing": Mutation(
        "Standing.WEAK if signer.leaf in presented or issuer in presented else Standing.FULL", "Standing.FULL"
    ),
    "No sister poses as a CRL issuer": Mutation(
        "return not certifiers.isdisjoint({entity(issuer), entity(path.anchor)})", "return True"
    ),
    "What an issuer revoked is heard whichever twin is presented": Mutation("if is_own:", "if False:"),
    "Whoever leaves a signer's certificate out silences nobody": Mutation(
        "return _search_kept(finding, issuer, question, check, outcome)", "return outcome"
    ),
    "What is kept of a signer makes nothing good": Mutation(
        "replace(outcome, standing=Standing.REVOKES, path=None) if isinstance(outcome, Authority) else outcome",
        "outcome",
    ),
    "Whoever leaves a signer's certificate out is denied no less": Mutation(
        "if held.names_issuer or not held.signer_paths:", "if True:"
    ),
    "What is kept of a signer first stays": Mutation("else (*lasting, path)", "else (path,)"),
    "A signer does not unsay what lists it": Mutation(
        "Authority(candidate.not_after, Standing.WEAK)", "Authority(LAST_MOMENT)"
    ),
    "A client signs no CRLs": Mutation("candidate.extensions.key_usage is not None and ", ""),
    "A revoked certificate signs no CRLs": Mutation(
        "if revocation.status is RevocationStatus.REVOKED:\n            return Problem.SIGNER_REVOKED\n        ", ""
    ),
    "A CRL signer needs what the mode asks for": Mutation(
        "Problem.SIGNER_UNCHECKED if unchecked else Authority", "Authority"
    ),
    "An answer to another request is not new": Mutation("came == nonce_value(finding.nonce)", "True"),
    "A trusted responder is valid": Mutation("if check_validity(trusted, at) is not None or", "if"),
    "Only a delta that fits is combined": Mutation("base <= number < own and", ""),
    "What listed a certificate last is not forgotten": Mutation(
        "if not any(_is_newer(one, finding) for one in complete):", "if False:"
    ),
    "An entry of an indirect CRL has an issuer": Mutation("serial if issuer == crl_issuer else", "serial if True else"),
    "An indirect CRL that nobody expects says no good": Mutation("may_vouch(meta, certificate) and not", "not"),
    "A CRL covers the certificate's distribution point": Mutation("if not scope.names:", "if True:"),
    "A CRL covers the certificate's kind": Mutation("if not _covers_kind(scope, certificate):", "if False:"),
    "CRLs cover every reason before they say good": Mutation("if covered == ALL_REASONS:", "if covered:"),
    "A CRL with something unsupported says nothing": Mutation("if meta.unsupported:", "if False:"),
    "An old CRL makes nobody forget a new one": Mutation(
        "if is_as_old or is_lower(first.meta.crl_number, meta.crl_number):", "if first:"
    ),
    "Evidence is not used after its time": Mutation("if at > end:", "if False:"),
    "Evidence is not used before its time": Mutation("if this_update > later(at, policy.clock_skew):", "if False:"),
    "An OCSP answer is about the serial number": Mutation(
        "if one.serial_number != certificate.serial_number or not one.hash_name:\n        return False\n"
        "    return one == cert_id(certificate, issuer, one.hash_name)",
        "if not one.hash_name:\n        return False\n    own = cert_id(certificate, issuer, one.hash_name)\n"
        "    return one.issuer_name_hash + one.issuer_key_hash == own.issuer_name_hash + own.issuer_key_hash",
    ),
    "An OCSP answer is about the issuer": Mutation(
        "return one == cert_id(certificate, issuer, one.hash_name)", "return True"
    ),
    "An issuer's OCSP answer verifies under its key": Mutation(
        "if verify(response.signature, issuer.public_key) is SignatureResult.VALID:", "if True:"
    ),
    "A delegate's OCSP answer verifies under its key": Mutation(
        "if verify(response.signature, signer.public_key) is SignatureResult.VALID:", "if True:"
    ),
    "A delegate is one for OCSP signing": Mutation("if purposes is None or OCSP_SIGNING not in purposes:", "if False:"),
    "A delegate was signed by the issuer itself": Mutation(
        "if verify(delegate.signature, issuer.public_key) is not SignatureResult.VALID:", "if False:"
    ),
    "A delegate is valid": Mutation("if check_validity(delegate, at) is not None or", "if"),
    "A delegate that is revoked says nothing": Mutation(
        "return DelegateCheck(DelegateStanding.REVOKED)", "return DelegateCheck(DelegateStanding.GOOD)"
    ),
    "A delegate without the answer that it needs says nothing": Mutation(
        "case RevocationStatus.UNKNOWN if checked.is_needed:", "case RevocationStatus.UNKNOWN if False:"
    ),
    "An authorizer's allow has a status of 200": Mutation("    if status != http.client.OK:", "    if False:"),
    "An authorizer's allow is JSON": Mutation('if content_type == "application/json" else', "if True else"),
    "An authorizer that nobody answers allows nobody": Mutation(
        'opens = self._fail_mode == "open" and', "opens = True and"
    ),
    "What a client has brought about opens no authorizer": Mutation(
        'raise RefusalError(f"status {status}")', 'raise FailureError(f"status {status}")'
    ),
    "An authorizer without its token asks nobody, and opens for nobody": Mutation(
        'raise RefusalError(f"no token: {type(error).__name__}")',
        'raise FailureError(f"no token: {type(error).__name__}")',
    ),
    "No certificate is no failure of the service": Mutation("if not certificate:", "if False:"),
    "Whom an authorizer asks is verified": Mutation(
        "ssl.create_default_context(cafile=ca_bundle)", "ssl._create_unverified_context()"
    ),
    "A client's path widens no policy": Mutation(
        'self._scope == "method" and _MEANS_MORE.search(arn) is not None', "False"
    ),
    "A policy is for a stage that is named": Mutation("if stage is None or means_more", "if means_more"),
    "A fail mode that is misspelt is none": Mutation("if text not in known:", "if False:"),
    # 2: an answer is never reused for longer than what it rests on
    "An allow ends with the cap": Mutation(
        "ends = [later(at, policy.max_verdict_ttl), anchor.not_after]", "ends = [anchor.not_after]"
    ),
    "A proxy is told no more than is left": Mutation("min(asked, _seconds_left(answer.valid_until, clock))", "asked"),
    "What a proxy keeps for whole seconds ends in time": Mutation(" - NGINX_CLOCK_S", ""),
    "What got no decision is kept by no proxy": Mutation('own.append((ACCEL_EXPIRES, b"0"))', "pass"),
    "A proxy's question names its trust store": Mutation("self.trust_store.encode()", 'b""'),
    "A proxy's question is its header whole": Mutation("(name, len(value), value)", '(name, 0, b"")'),
    "What a proxy is answered in shadow is no answer to others": Mutation(
        "PURPOSES[self.enforcement]", "PURPOSES[Enforcement.ENFORCED]"
    ),
    "An allow ends with the anchor": Mutation(
        "ends = [later(at, policy.max_verdict_ttl), anchor.not_after]", "ends = [later(at, policy.max_verdict_ttl)]"
    ),
    "An allow ends with each certificate": Mutation("ends.append(element.certificate.not_after)", "pass"),
    "An allow ends with its evidence": Mutation("ends.append(element.revocation.usable_until)", "pass"),
    "An allow ends with the first of the methods that answered": Mutation(
        "until = min(end for end in ends", "until = max(end for end in ends"
    ),
    "What the next attempt may change is soon asked again": Mutation("ends.append(later(at, UNDECIDED_TTL))", "pass"),
    "A deny ends when the certificate becomes valid": Mutation("ends.append(certificate.not_before)", "pass"),
    "A deny ends when another path may allow": Mutation("for one in (denied, *denied.rivals)", "for one in (denied,)"),
    "An answer to a request with options is for it alone": Mutation(
        "valid_until=verdict.valid_until if request.reuse is Reuse.ALLOWED else None", "valid_until=verdict.valid_until"
    ),
    "A request with options says so": Mutation("reuse=Reuse.NEVER", "reuse=Reuse.ALLOWED"),
    "Where nonces are wanted no verdict is kept": Mutation("0 if _wants_nonces(policy) else limit", "limit"),
    "A rule of one issuer wants nonces as well": Mutation(
        ", *(rule.ocsp_nonce for rule in policy.issuer_rules))", ",)"
    ),
    "Where nonces are wanted no answer to another replica is taken": Mutation(
        "if urls and self.answers_serve_others(issuer):", "if urls:"
    ),
    "An authorizer remembers nothing past its time": Mutation(
        "min(valid_until, now + self._memory_s)", "now + self._memory_s"
    ),
    "An authorizer's clock that was set back ends its memory": Mutation(
        "if since <= time.time() < until:", "if time.time() < until:"
    ),
    # 3: everything signed is verified where it is used for the first time
    "A CRL is verified before it is held": Mutation("if result is SignatureResult.VALID:", "if True:"),
    "A CRL of another replica that is refused is asked of the origin": Mutation(
        "if settled.delivery.lost:",
        "if False:",
    ),
    "A CRL of another replica that has ended is asked of the origin": Mutation(
        "if settled.delivery.attempt is None or settled.delivery.waits:",
        "if True:",
    ),
    "A copy that is of no use says nothing of a place": Mutation("download.pending.go_back(before)", "pass"),
    "What a place of the operator's has is nobody's word": Mutation(
        "self._question.word is Word.VOUCHED_FOR or self._crls.is_own_turn(self._url)",
        "self._crls.is_own_turn(self._url)",
    ),
    "Nobody's word holds for longer than the fleet allows": Mutation(
        "self._question.word is Word.VOUCHED_FOR or self._crls.is_own_turn(self._url)",
        "self._question.word is Word.VOUCHED_FOR",
    ),
    "An order that takes nobody's word leaves a place of the operator's to be tried": Mutation(
        "one.lost or not one.is_vouched_for", "one.lost"
    ),
    "What nobody vouches for is not sent to an origin": Mutation(
        "said = shared.said if shared.is_vouched_for else OriginHeaders()", "said = shared.said"
    ),
    "Where nothing came nothing is let go": Mutation("if not (best.gave or best.lost):", "if False:"),
    "Whoever asks is not answered by what was fetched before": Mutation(
        "began = started if best.checked_at is None else min(started, best.checked_at)", "began = started"
    ),
    "What is busy when a plan is made is planned again": Mutation(
        "if self._under_way or self._busy:", "if self._under_way:"
    ),
    "What is heard while a source is busy is looked up": Mutation(
        "names, self._news = self._news, set()",
        "names, self._news = (set() if self._busy else self._news), set()",
    ),
    "Other replicas are given only what this host holds": Mutation(
        "if delivery.gave and not delivery.lost:",
        "if True:",
    ),
    "A CRL of another replica was fetched of late": Mutation(
        "self._opened(octets, self._parts.rules.max_shared_age)", "self._opened(octets, None)"
    ),
    "A CRL of another replica is from this URL": Mutation("EnvelopeKind.CRL, self._name,", "EnvelopeKind.CRL, None,"),
    "Pieces of a CRL are those of its digest": Mutation("if whole.digest() != body.digest:", "if False:"),
    "What is known is answered by nothing older": Mutation(
        "if self._is_known(envelope.at):",
        "if False:",
    ),
    "Whoever asks for a refresh is answered by the origin": Mutation("AnswerFrom.ORIGIN", "AnswerFrom.FLEET_FIRST"),
    "A version that somebody asked for is answered by the origin": Mutation(
        "AnswerFrom.ORIGIN if is_asked else answer_from",
        "answer_from",
    ),
    "What another replica fetched is as old as it is": Mutation(
        "if best.checked_at is None:",
        "if True:",
    ),
    "A URL that leads elsewhere is no other replica's": Mutation(
        "replace(question, request=replace(question.request, url=place))", "question"
    ),
    "What is of no use is offered a few times, and then the origin is asked": Mutation(
        "case _ if self._offers >= MOST_OFFERS:", "case _ if False:"
    ),
    "A file is no other replica's": Mutation("None if _is_file(self.place_of(request)) else ", ""),
    "What is in Redis becomes no other header": Mutation(
        "return (validators.etag, validators.last_modified) == (etag, modified)",
        "return True",
    ),
    "An inline CRL is verified": Mutation("verify(document.signature, key) is SignatureResult.VALID", "True"),
    "A held CRL counts for the key that it verified under": Mutation(
        "finding.signer_spki == issuer.public_key.spki and ", ""
    ),
    "A held OCSP answer is verified again": Mutation(
        "responder = authorize(response, issuer, policy, at, budget)",
        'held = finding.tier.value == "host"\n'
        "        responder = Responder(None) if held else authorize(response, issuer, policy, at, budget)",
    ),
    "A remembered OCSP answer is the one that is held": Mutation("known.response == held.response and ", ""),
    "An OCSP answer of another replica is verified as a responder's": Mutation("if refused is None:", "if True:"),
    "An OCSP answer of another replica is an authentic one of late to this question": Mutation(
        "open_fetched(octets, EnvelopeKind.OCSP, about)", "open_lasting(octets, EnvelopeKind.OCSP, None)"
    ),
    "An OCSP answer of another replica names a responder that is asked": Mutation(
        "if source not in responders:", "if False:"
    ),
    "An OCSP answer of another replica is none where this host knows better": Mutation(
        "if is_outranked and finding.tier is Tier.REDIS:", "if False:"
    ),
    "A revocation of another replica's that is over keeps an older good out": Mutation(
        "elif refused.problem in _ENDED:", "elif False:"
    ),
    "An OCSP answer is verified before it is held": Mutation(
        "if isinstance(newest, Attempt):",
        "if isinstance(newest, Attempt):\n            held = HeldOcsp(response, finding.source, now, now)\n"
        "            await self._store.put_ocsp(store_key(certificate, issuer), held)",
    ),
    "A certificate is verified under its issuer's key": Mutation(
        "match verify(child.signature, issuer.public_key):", "match SignatureResult.VALID:"
    ),
    # 5: only URLs of certificates that chain are fetched, and only through the egress guard
    "A path is valid before evidence is wanted": Mutation(
        "valid = validate(path, inquiry.policy, inquiry.at, inquiry.budget)", "valid = ValidPath(path, frozenset())"
    ),
    "Only http and https are ordered": Mutation('.lower() in ("http", "https")', ".lower() != str()"),
    "Only http and https are fetched": Mutation(
        'raise OriginError(Problem.UNSUPPORTED_SCHEME, f"the scheme is {shown(scheme)}, not http or https")',
        'return "http", rest',
    ),
    "A URL has one reading": Mutation("if literal_address(host) is None and not _is_host_name(host):", "if False:"),
    "A host that begins like the operator's is not his": Mutation(
        'if url == prefix or (prefix.endswith("/") and url.startswith(prefix)):', "if url.startswith(prefix):"
    ),
    "A URL carries no credentials": Mutation(
        'if "@" in authority:',
        'authority = authority.rpartition("@")[2]\n    if "@" in authority:',
    ),
    "An address is public or allowed": Mutation("if not self.address_allowed(address):", "if False:"),
    "One address that is refused refuses the name": Mutation(
        "for address in addresses:", "for address in addresses[:1]:"
    ),
    "The connection goes to an address that was checked": Mutation(
        "addresses = (await self._guard.addresses(host, port, self._trust))[:MAX_ADDRESSES_TRIED]",
        "await self._guard.addresses(host, port, self._trust)\n"
        "        addresses = await self._guard.resolver.resolve(host, port)",
    ),
    "A certificate's URL uses a certificate's connections": Mutation(
        "return self._certificate, target.host\n            case UrlTrust.CERTIFICATE:",
        "return self._operator, target.host\n            case UrlTrust.CERTIFICATE:",
    ),
    "A name is checked before the proxy is asked": Mutation(
        "await self._guard.addresses(target.host, target.port, trust)", "pass"
    ),
    "A redirect is held to the rule for certificates": Mutation(
        "UrlTrust.CERTIFICATE, self.headers", "self.trust, self.headers"
    ),
    "No redirect leads out of TLS": Mutation('if base.scheme == "https" and target.scheme == "http":', "if False:"),
    "No proxy of the environment is used": Mutation(
        "transport=transport,\n            trust_env=False", 'mounts={"all://": transport},\n            trust_env=True'
    ),
    "A body ends at its limit": Mutation("if received > max_bytes:", "if False:"),
    # 6: every loop that a stranger can lengthen spends from a budget
    "A signature of a path is paid for": Mutation(
        "budget.spend_signature()\n    match verify(child", "match verify(child"
    ),
    "A signature of a responder is paid for": Mutation(
        "budget.spend_signature()\n    if verify(delegate", "if verify(delegate"
    ),
    "A certificate that is looked at is paid for": Mutation("budget.spend_step()", "pass"),
    "A path that is validated is paid for": Mutation("inquiry.budget.spend_path()", "pass"),
    "A signer's path that is asked about again is paid for": Mutation("question.budget.spend_path()", "pass"),
    "A path has an end": Mutation("if not is_anchor and len(chain) > limit:", "if False:"),
    "A circle is no path": Mutation("or not _repeats(candidate, chain)", "or True"),
    "A key is not too long to work with": Mutation("if is_too_long(issuer.public_key):", "if False:"),
    "Rounds are counted": Mutation("if not rounds:", "if False:"),
    "Distribution points are counted": Mutation("points[:MAX_DISTRIBUTION_POINTS]", "points"),
    "URLs of a distribution point are counted": Mutation("urls[:MAX_URLS]", "urls"),
    "Responders are counted": Mutation("self._policy))[:MAX_RESPONDERS]", "self._policy))"),
    "Certificates of a request are counted": Mutation("if len(others) > max_intermediates:", "if False:"),
    "Certificates of an OCSP answer are counted": Mutation("if len(certificates) > MAX_CERTIFICATES:", "if False:"),
    "Redirects are counted": Mutation("range(MAX_REDIRECTS + 1)", "range(100)"),
    "What a body decodes to is counted": Mutation("if decoded > max_bytes:", "if False:"),
    "A body is decoded a piece at a time": Mutation("decompress(data, MAX_PIECE)", "decompress(data)"),
    "Pieces of a body are counted": Mutation("if pieces > FREE_PIECES + received // MIN_MEAN_PIECE:", "if False:"),
    # 7: a proxy's word for a certificate is read from one header
    "A header that is there twice is refused": Mutation("if len(values) > 1:", "if False:"),
    "No other header is looked at": Mutation(
        "values_of(headers, name)",
        "values_of(headers, name) or [value for key, value in headers if b'cert' in key][:1]",
    ),
    "What follows a body is no header": Mutation("if self._is_in_headers:", "if True:"),
    "A plus is a plus": Mutation("unquote_to_bytes(value)", "unquote_to_bytes(value.replace(b'+', b' '))"),
    "What is encoded twice is refused": Mutation('if b"%" in decoded:', "if False:"),
    "Nothing stands beside a certificate": Mutation("if any(piece.strip(_BLANKS) for ", "if any(False for "),
    "Who hands over the leaf alone hands over one certificate": Mutation(
        "if hands_over is HandsOver.LEAF and", "if False and"
    ),
    "Envoy speaks of one client": Mutation('if octet == b",":', 'if octet == b",":\n        return\n    if False:'),
    "Envoy says what it says once": Mutation("if key in pairs and", "if False and"),
    "Envoy's digest is that of its certificate": Mutation("if expected is not None and", "if False and"),
    "Envoy's chain is that of its certificate": Mutation("not _UNQUOTED.isdisjoint(pairs)", "False"),
    "A field with one certificate has one": Mutation("if len(found) > 1:", "if False:"),
    "Nothing in a proxy's path is decoded": Mutation(
        "segment.partition(_AT)", "segment.replace(b'%40', _AT).replace(b'%6e', b'n').partition(_AT)"
    ),
    "What follows the front in a path is not looked at": Mutation(
        'raw_path.find(b"/", len(AUTHORIZE))',
        'raw_path.find(b"/", len(AUTHORIZE))\n        raw_path = raw_path.replace(b"nginx/../", b"")',
    ),
    "A front that is not served is none": Mutation("for front in fronts", "for front in Front"),
    "No trust store stands in for another": Mutation("is not None else None", "is not None else DEFAULT_STORE"),
    "A client's token is no proxy's": Mutation("authenticate(scope, TokenPlace.OWN_HEADER)", "authenticate(scope)"),
    "An authorizer leaves nothing for the client to say of itself": Mutation(
        'dict.fromkeys(ABOUT, "-") | said', "said"
    ),
    "A client's token puts nobody into shadow": Mutation(
        "authenticate(scope, TokenPlace.OWN_HEADER)", "authenticate(scope)"
    ),
    "Two tokens of a proxy are none": Mutation("if len(values) != 1:", "if not values:"),
    "What a proxy sends after a body that never came is no request": Mutation(
        "if announces_body(headers):", "if False:"
    ),
    "Nothing in a name begins another header": Mutation("_PLAIN.fullmatch(text) is not None", "text.isascii()"),
    # 9: a block that was answered for is in force
    "What another signer revoked is found by who certified him": Mutation(
        "self._writer.vouch(signer)  # found by whoever certified him", "pass"
    ),
    "Who certified a signer is told of what is held": Mutation("self._writer.vouch(signer)", "pass"),
    "What cannot be stored makes no answer needless": Mutation(
        "await asyncio.to_thread(note_name, download.pending, digest, data)", "pass"
    ),
    "What could not be stored leaves what was named": Mutation("if Problem.INTERNAL in best.lost:", "if False:"),
    "Whoever had a CRL fetched silences nobody": Mutation("self._remember_signer(element.revocation.signer)", "pass"),
    "Everybody above an issuer is asked for": Mutation("names.append(canonical(bearer.issuer.der))", "pass"),
    "A blocked leaf is denied": Mutation("block = request.blocks.find(request.leaf)", "block = None"),
    "What stands above the leaf is looked at": Mutation("if blocked is not None:", "if False:"),
    "The anchor is looked at": Mutation("(*path.certificates, path.anchor)", "path.certificates"),
    "A block comes before the shell's budget": Mutation("if leaf is not None and block is not None:", "if False:"),
    "A denial lasts no longer than its block": Mutation("if moment is not None)", "if False)"),
    "A blocked signer's CRLs are not used": Mutation(
        "if question.blocks.first(path.certificates) is not None:", "if False:"
    ),
    "A blocked anchor's CRLs are not used": Mutation("if question.blocks.find(candidate) is not None:", "if False:"),
    "A blocked responder's answers are not used": Mutation("(answer.delegate, answer.trusted)", "()"),
    "A blocked responder's answers are not kept": Mutation("if _is_blocked(newest, issuer, blocks):", "if False:"),
    "Without the list no answer is kept": Mutation(
        'return Attempt(finding.source, Problem.INTERNAL, "nobody can say what is blocked")', "blocks = NO_BLOCKS"
    ),
    "What was held before a block keeps no revocation out": Mutation(
        "return (revokes or not is_revoked) and self._is_blocked_by_now(held, subject)", "return False"
    ),
    "A key is blocked as its certificate has it": Mutation(
        "return key.spki, read_certificate(certificate.der).public_key.spki", "return (key.spki,)"
    ),
    "Of several blocks the last to end counts": Mutation("_NEVER if block.until is None else block.until", "_NEVER"),
    "A name is read as it was meant, or refused": Mutation(
        "if text.startswith(_SPACE, start) or is_space_last:", "if False:"
    ),
    "Blocks are read again when they have changed": Mutation(
        "if read is None or read.stored.version != self._store.blocks_version():", "if read is None:"
    ),
    "Blocks are asked for again before each look": Mutation(
        "if not wanted:\n                question = await self._with_blocks(question)",
        "if not wanted:\n                question = question if evidence.crls else await self._with_blocks(question)",
    ),
    "A list that cannot be read is no empty list": Mutation("raise self._failed(error) from error", "return NO_BLOCKS"),
    "A damaged block is not passed over": Mutation(
        'raise StoreError(f"block {ascii(block_id)[1:-1]} is damaged: {error}") from error', "return None"
    ),
    "A change of blocks has a number": Mutation("self._hot.raise_number(transaction, _VERSION_KEY)", "pass"),
    "A change of blocks ends kept verdicts": Mutation("self._hot.raise_generation(transaction)", "pass"),
    "A CRL that is published ends kept verdicts": Mutation("self._hot.raise_generation(transaction)", "pass"),
    "A revocation after one that has ended ends kept verdicts": Mutation(
        "and _problem(known, subject) in counting", ""
    ),
    "A block is durable before it is answered for": Mutation(
        "return await asyncio.shield(asyncio.wrap_future(self._submit(write)))", "return True"
    ),
    "A new replica decides nothing before it has read": Mutation(
        "if not self._store.list_was_read(fleet):", "if False:"
    ),
    "Another fleet's list is not this one's": Mutation("== fleet.encode()", "is not None"),
    "Another Redis has another fleet's list": Mutation('f"{self.prefix}@{self.cache}"', "self.prefix"),
    "A list that was emptied a moment ago is asked for": Mutation("await self._ask(last.epoch)", "pass"),
    "Who is asked for the list says that he is at it": Mutation("if self._vouches:", "if False:"),
    "Who says that he is at it is waited for": Mutation("last.said is not ListState.COMING and ", ""),
    "A list that is still being written is waited for": Mutation(
        "and not any(met.taken for met in looks[-QUIET_LOOKS:])", ""
    ),
    "Nobody's note makes a list whole": Mutation("return last.said is not", "return last.is_noted or last.said is not"),
    "Blocks that are written late are told of, however many": Mutation("if not is_few and (", "if False and ("),
    "A note is about one content of the cache": Mutation("and there.note.token == epoch", ""),
    "A list that was emptied while it was read was not read": Mutation("if last.epoch != looks[0].epoch:", "if False:"),
    "A list that does not open was not read": Mutation("if last.locked and ", "if False and "),
    "A list that does not fit was not read": Mutation("if last.no_room:", "if False:"),
    "Who has found nobody with the list vouches for none": Mutation(
        "not is_new or any(met.is_noted for met in looks)", "True"
    ),
    "A block is answered for when the fleet knows of it": Mutation("if reach is not Reach.EVERYWHERE:", "if False:"),
    "A cache that does not answer has heard nothing": Mutation("return False", "return True"),
    "What others would not take is not said to be taken": Mutation(
        "if not is_sharable(block) or not self._others_have_room():", "if False:"
    ),
    "What the others have no room for is not said to be taken": Mutation("and octets <= room.octets", ""),
    "What the cache has lost is written again": Mutation(
        "standing = sorted(here.blocks - (there.blocks - there.fading) - there.tombstones)", "standing = []"
    ),
    "A removal takes a key": Mutation(
        "if envelope.kind is EnvelopeKind.TOMBSTONE and not parts.rules.keys.authenticate:", "if False:"
    ),
    "A tombstone is that of one block": Mutation("EnvelopeKind.TOMBSTONE, name,", "EnvelopeKind.TOMBSTONE, None,"),
    "A cache that was emptied has everything brought together": Mutation(
        "seen.epoch != self._epoch, seen.last < self._at", "False, False"
    ),
    "Whoever missed events has everything brought together": Mutation(
        "elif BEGINNING < self._looked < (seen.last if seen.first is None else seen.first):", "elif False:"
    ),
    "What could not be applied is found again": Mutation(
        "self._want_everything(missed)", "self._want_everything(missed) if missed is _STARTED else None"
    ),
    "Blocks are sealed anew while there are two keys": Mutation(
        "return error.refusal is Refusal.MISPLACED", "return True"
    ),
    "Whoever's clock is wrong is heard": Mutation(
        "self._parts.open_event(octets)", "self._parts.open_lasting(octets, EnvelopeKind.EVENT, None)"
    ),
    "Cached answers give way to blocks": Mutation("self._ocsp.giving_way(write)", "write()"),
    "What another host says is in force at once": Mutation("self._changed(transaction)", "pass"),
    "A block's end is a moment": Mutation("if moment.tzinfo is not None:", "if True:"),
    "Changing takes an administrator": Mutation("is not Role.ADMIN", "is None"),
    "What was blocked under an older format is blocked": Mutation(
        "for name in _CRLS}", 'for name in (*_CRLS, b"blocks")}'
    ),
    "No older format lets anybody go back": Mutation("for name in _CRLS}", 'for name in (*_CRLS, b"crl-watermarks")}'),
    "A newer format is not taken for this one": Mutation("while at != FORMAT:", "while at in _STEPS:"),
    "No store is brought forward that somebody has open": Mutation(
        "while not _try_lock(descriptor, fcntl.LOCK_EX):", "while False:"
    ),
    "A store that has lost rows is refused at the start": Mutation(
        'if rows != transaction.stat(database)["entries"]:', "if False:"
    ),
    "A store that is lost is no first start": Mutation("if traces:", "if False:"),
    "No process of a service makes a store": Mutation("absent is Absent.MAKE and not", "not"),
    "An empty file is no new store": Mutation("if octets == 0:", "if False:"),
    "Blocks that cannot be found are not passed over": Mutation("if len(blocks) != entries:", "if False:"),
    # 10: whoever was shut out stays out
    "Nobody is let in because tokens are gone": Mutation("if tokens.kinds() != self.tokens.kinds():", "if False:"),
    "An empty file of tokens is none": Mutation("if not digests:", "if False:"),
    "Nobody begins without the tokens of a file": Mutation(
        "if self._of_files.keys() != self._paths.keys():", "if False:"
    ),
    "A token that was removed opens nothing": Mutation("if taken:", "if False:"),
    "A token that was removed is gone whatever is wrong elsewhere": Mutation(
        "taken = tuple(", "taken = () if problems else tuple("
    ),
    "A token is of one kind": Mutation("in self._clashes(found):", "in self._clashes({}):"),
    "A removed token is gone whoever has another one twice": Mutation(
        "rest = tuple(digest for digest in found[kind] if digest not in shared)", "rest = self._of_files[kind]"
    ),
    "A kind whose last token is gone is still asked for": Mutation("rest or (digest_of_nobody(kind),)", "rest"),
    "A worker begins with what the others have in force": Mutation("self._kept.write(content)", "pass"),
    "A worker that was late takes no token back": Mutation("before | self._recall()", "before"),
    "Tokens of other files are not those of these": Mutation('document["paths"] != self._names()', "False"),
    "Half of what is kept is nothing": Mutation("if digest == sha256(content).digest() else None", ""),
    "The digest of a token opens nothing": Mutation("digest_of_token(token)", "digest_of_entry(token.decode())"),
    "Callers show a certificate of the client CA": Mutation("context.verify_mode = ssl.CERT_REQUIRED", "pass"),
    "A connection is made with what is in force": Mutation("self._in_force = context", "pass"),
    "No session outlives the certificate that it was made with for long": Mutation(
        " and now < self._made_at + FRESH_EVERY_S", ""
    ),
    "Without the client CA that is asked for nobody serves": Mutation(
        "(self._paths.client_ca is not None and self._client_ca is None)", "False"
    ),
    "A client CA that was removed is gone whatever is wrong elsewhere": Mutation(
        "if client_ca is not None and", "if not problems and client_ca is not None and"
    ),
    "A worker that was late takes no client CA back": Mutation("        self._recall()  # ", "        # "),
    "A worker begins with the client CA that the others have in force": Mutation("self._kept.write(content)", "pass"),
    # 11: no caller takes what others need, and nothing changes without a record
    "A burst has an end": Mutation("return early_s if early_s > SLACK_S else 0.0", "return 0.0"),
    "Many requests at once count as many": Mutation("count / self.per_s", "1 / self.per_s"),
    "A batch counts as its items": Mutation(
        "count_items(self._limits, scope, len(items))", "count_items(self._limits, scope, 1)"
    ),
    "Wrong tokens are counted by where they come from": Mutation(
        "self._arrivals.put(places, self._rate.spend(due, times.now), times)", "pass"
    ),
    "Nobody locks out those with whom he shares an address": Mutation(
        "self._limits.enter(caller)", "(self._limits.attempt(address), self._limits.enter(caller))"
    ),
    "A token has a slot of its own": Mutation("if holder == key:", "if holder:"),
    "What an earlier setting has made of somebody says nothing": Mutation(
        "if not due <= self._numbers[place] <= times.last:", "if not due <= self._numbers[place]:"
    ),
    "Every path below /v1/ has limits": Mutation("not path.startswith(LIMITED_PATHS)", 'path != "/v1/validate"'),
    "What proxies ask has limits": Mutation("if self._limits is None:", "if True:"),
    "Who sends slowly takes nobody's place": Mutation("self._admission.check()", "self._admission.__enter__()"),
    "No batch that comes slowly takes a place": Mutation("self._admission.check()", "self._admission.__enter__()"),
    "Nobody's bodies take all of the room": Mutation("self._held[holder] + octets > self._share", "False"),
    "The head of a request has an end": Mutation("Stage.HEAD if for_s >= limits.head_s", "Stage.HEAD if False"),
    "A client takes his answer": Mutation("Stage.UNSENT if for_s >= limits.unsent_s", "Stage.UNSENT if False"),
    "There are so many connections and no more": Mutation(">= self._most", "< 0"),
    "A body behind an upgrade is no request": Mutation("announces_body(self.headers)", "False"),
    "Nothing behind an upgrade is a request": Mutation("self.cycle.keep_alive = False", "pass"),
    "A handshake that failed leaves its place": Mutation("self.parser = None", "pass"),
    "Nobody is cut off to make room": Mutation("stage in _ENDED_FOR_OTHERS and ", ""),
    "Connections do not take all files": Mutation("allowed - RESERVED", "allowed"),
    "No record, no change": Mutation("if necessity is Necessity.NEEDED:", "if False:"),
    "A block does not wait for a record": Mutation("Necessity.WANTED", "Necessity.NEEDED"),
    "Every change has records": Mutation("elif trail is None:", "elif trail is None or path != '/v1/blocks':"),
    "Whoever may not is recorded": Mutation("problem.status in _NOT_ALLOWED", "False"),
    "A record is on the disk before anybody is answered": Mutation("if durability is Durability.ON_DISK:", "if False:"),
    "Half a record is none": Mutation("os.ftruncate(descriptor, length)", "pass"),
    "Nothing that a record quotes ends it": Mutation("ensure_ascii=True", "ensure_ascii=False"),
    "A file of records that was moved away is not written": Mutation(
        "if named is not None and os.path.samestat(named, os.fstat(self._descriptor)):", "if True:"
    ),
    "No page of another origin changes anything": Mutation("and is_from_elsewhere(scope", "and False and (scope"),
    "No page of a name that leads here does anything": Mutation("if not all(", "if False and not all("),
    "Where nobody is asked, only own names are answered to": Mutation("if is_open else", "if False else"),
    "Nothing is changed by who may no longer": Mutation('    permit_admin(rules, scope, "changes are made")\n', ""),
    "Nothing is uploaded by who may no longer": Mutation("permit_admin(self._rules, scope, UPLOADING)", "return"),
    "Nothing is decided for who may ask no longer": Mutation("before.tokens is self.tokens", "True"),
    "No answer does anything in a browser": Mutation("        *reply.common,\n", ""),
}
