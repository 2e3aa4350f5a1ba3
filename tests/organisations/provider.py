"""A small OpenID Connect provider on 127.0.0.1: discovery, code flow with PKCE, RS256 id_tokens, its keys.

It signs in whoever the test names, and can be told to misbehave: `claims` are laid over the honest ones (None removes
one), `key` signs with another key, `alg` with another algorithm.
"""

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "shaodao-test", "a-secret-of-the-test"


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Provider:
    def __init__(self):
        self.keys = [RSAKey.generate_key(2048, {"kid": "one"})]
        self.codes: dict[str, dict] = {}
        self.asked: list[dict] = []
        self.claims: dict = {}
        self.alg, self.signs_with, self.broken, self.called = "RS256", None, False, None
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.issuer = f"http://127.0.0.1:{self.server.server_port}/realms/city"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def rotate(self):
        self.keys.insert(0, RSAKey.generate_key(2048, {"kid": secrets.token_hex(4)}))

    def answer_of(self, redirect: str) -> str:
        """What a browser that was sent to the provider brings back: the address to call."""
        asked = {k: v[0] for k, v in parse_qs(urlsplit(redirect).query).items()}
        assert asked["client_id"] == CLIENT and asked["response_type"] == "code" and "openid" in asked["scope"]
        assert asked["code_challenge_method"] == "S256"
        self.asked.append(asked)
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return asked["redirect_uri"] + "?" + urlencode({"code": code, "state": asked["state"]})

    def description(self):
        return {
            "issuer": self.called or self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
        }

    def token(self, form):
        """The answer of the token endpoint, or None: a code is good once, for who asked, with the right verifier."""
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None or form.get("redirect_uri") != asked["redirect_uri"]:
            return None
        if b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest()) != asked["code_challenge"]:
            return None
        now = int(time.time())
        honest = {
            "iss": self.issuer, "sub": "f3b1", "aud": CLIENT, "iat": now, "exp": now + 300, "auth_time": now,
            "nonce": asked["nonce"],
        }  # fmt: skip
        claims = {k: v for k, v in (honest | self.claims).items() if v is not None}
        header = {"alg": self.alg, "kid": self.keys[0].kid}
        if self.alg == "RS256":
            signed = jwt.encode(header, claims, self.signs_with or self.keys[0])
        else:
            signed = self.forged(header, claims)
        return {
            "access_token": secrets.token_urlsafe(16),
            "token_type": "Bearer",
            "expires_in": 300,
            "id_token": signed,
        }

    def forged(self, header, claims) -> str:
        """The old tricks: the public key, which everybody has, as if it were a shared secret ("HS256"); no signature."""
        content = ".".join(b64(json.dumps(part).encode()) for part in (header, claims))
        key = self.keys[0].as_pem(private=False)
        mac = hmac.new(key, content.encode(), hashlib.sha256).digest() if self.alg == "HS256" else b""
        return f"{content}.{b64(mac)}"

    def handler(provider):
        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args):
                pass

            def send(self, data, status=200):
                body = json.dumps(data).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                path = urlsplit(self.path).path.removeprefix("/realms/city")
                if provider.broken:
                    self.send({"error": "down"}, 503)
                elif path == "/.well-known/openid-configuration":
                    self.send(provider.description())
                elif path == "/keys":
                    self.send({"keys": [key.as_dict(private=False) for key in provider.keys]})
                elif path == "/authorize":  # for a real browser: whoever comes is signed in at once
                    self.send_response(302)
                    self.send_header("Location", provider.answer_of(self.path))
                    self.end_headers()
                else:
                    self.send({"error": "not found"}, 404)

            def do_POST(self):
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                basic = base64.b64decode(self.headers.get("Authorization", "Basic ").removeprefix("Basic ")).decode()
                answer = provider.token({k: v[0] for k, v in form.items()}) if basic == f"{CLIENT}:{SECRET}" else None
                self.send(answer or {"error": "invalid_grant"}, 200 if answer else 400)

        return Handler
