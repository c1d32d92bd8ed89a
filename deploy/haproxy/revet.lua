-- Asks Revet whether the client's certificate is allowed, for HAProxy 2.6 and later (core.httpclient).
--
-- `http-request lua.revet` leaves these variables, which the configuration then acts upon:
--
--   txn.revet_decision   allow | deny | unavailable; nothing but "allow" may let a request pass
--   txn.revet_code       why: a code of Revet, or "unavailable"
--   txn.revet_id         the decision's id, to be found in Revet's log
--   txn.revet_subject, txn.revet_serial, txn.revet_fingerprint, txn.revet_valid_until   of an allow
--
-- Rules: an allow is a 200 that says so itself (X-Revet-Decision); whatever else comes, or does not come, or raises an
-- error here, is none. Nothing of the client's request but its certificate is sent. Nothing is kept.
--
-- `filter lua.revet_trailers` answers 400 to a request with trailers, before they reach the application.

local URL = "http://revet/v1/authorize/rfc9440"
-- The frontend "revet" of haproxy.cfg: TLS, timeouts and addresses of Revet are set there, in HAProxy's own language.
local DESTINATION = os.getenv("REVET_SOCKET")
local TIMEOUT_MS = tonumber(os.getenv("REVET_TIMEOUT_MS") or "800")
local TOKEN = os.getenv("REVET_TOKEN")

local IDENTITY = {
    revet_subject = "x-revet-subject",
    revet_serial = "x-revet-serial",
    revet_fingerprint = "x-revet-fingerprint",
    revet_valid_until = "x-revet-valid-until",
}

-- The octets of the certificate that begins at `from` in several DER certificates one after the other: a SEQUENCE
-- (0x30), whose length stands in the next octet, or in as many octets as that one says (0x81 to 0x84).
local function certificate_at(der, from)
    local tag, length = string.byte(der, from, from + 1)
    if tag ~= 0x30 or not length then
        return nil
    end
    local header = 2
    if length >= 0x80 then
        local octets = length - 0x80
        if octets < 1 or octets > 4 or from + 1 + octets > #der then
            return nil
        end
        length = 0
        for position = from + 2, from + 1 + octets do
            length = length * 256 + string.byte(der, position)
        end
        header = 2 + octets
    end
    if from + header + length - 1 > #der then
        return nil
    end
    return string.sub(der, from, from + header + length - 1)
end

-- A byte sequence of RFC 8941, as RFC 9440 has certificates.
local function byte_sequence(txn, der)
    local text = txn.c:base64(der)
    return text and #text > 0 and ":" .. text .. ":" or nil
end

-- Client-Cert-Chain: the chain without the leaf. HAProxy gives the chain of full handshakes only, never of resumed ones.
local function chain_header(txn, leaf)
    local chain = txn.f:ssl_c_chain_der()
    local items, from = {}, 1
    while chain and from <= #chain do
        local one = certificate_at(chain, from)
        if not one then
            return nil
        end
        if one ~= leaf then
            items[#items + 1] = byte_sequence(txn, one)
        end
        from = from + #one
    end
    return #items > 0 and table.concat(items, ", ") or nil
end

-- The one value of a header of an answer; nil where it is absent or there twice. Names come in lower case.
local function only(response, name)
    local values = response.headers and response.headers[name]
    if not values or values[1] then
        return nil
    end
    return values[0]
end

local function ask(txn)
    local leaf = txn.f:ssl_c_der()
    local certificate = leaf and byte_sequence(txn, leaf)
    if not certificate then
        return nil
    end
    local headers = { ["client-cert"] = { certificate }, ["x-revet-token"] = { TOKEN } }
    local chain = chain_header(txn, leaf)
    if chain then
        headers["client-cert-chain"] = { chain }
    end
    return core.httpclient():get({ url = URL, dst = DESTINATION, headers = headers, timeout = TIMEOUT_MS })
end

core.register_action("revet", { "http-req" }, function(txn)
    txn:set_var("txn.revet_decision", "unavailable")
    txn:set_var("txn.revet_code", "unavailable")
    local response = ask(txn)
    if not response then
        return
    end
    local decision, code = only(response, "x-revet-decision"), only(response, "x-revet-code")
    local id = only(response, "x-revet-decision-id")
    if not code or not id or string.find(code .. id, "[^%w_-]") then
        return -- not an answer of Revet; and nothing else may go into the JSON of a refusal
    end
    txn:set_var("txn.revet_id", id)
    if response.status == 200 and decision == "allow" then
        for variable, header in pairs(IDENTITY) do
            txn:set_var("txn." .. variable, only(response, header) or "")
        end
        txn:set_var("txn.revet_code", code)
        txn:set_var("txn.revet_decision", "allow")
    elseif response.status == 403 and decision == "deny" then
        txn:set_var("txn.revet_code", code)
        txn:set_var("txn.revet_decision", "deny")
    end
end, 0)

-- HAProxy hands trailers on as they are: `X-Revet-Subject`, too. They come with the end of the body, in one piece, and
-- `http_end` is asked before that piece is sent; an application that had the body until then sees it break off.
local Trailers = { id = "revet_trailers", flags = filter.FLT_CFG_FL_HTX }
Trailers.__index = Trailers

-- What the mark of the end counts in `input`, beside the octets of the body.
local END_OF_BODY = 1

function Trailers:new()
    return setmetatable({ seen = false }, Trailers)
end

function Trailers:start_analyze(_, channel)
    if not channel:is_resp() then
        filter.register_data_filter(self, channel)
    end
end

function Trailers:http_payload(_, message)
    if message:input() > #(message:body() or "") + END_OF_BODY then
        self.seen = true
    end
end

function Trailers:http_end()
    return self.seen and filter.ERROR or filter.CONTINUE
end

core.register_filter("revet_trailers", Trailers, function(new)
    return new
end)
