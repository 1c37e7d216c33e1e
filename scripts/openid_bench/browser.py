"""Just enough of a browser to sign in: cookies, redirects, forms."""

import base64
import html
import http.cookiejar
import json
import re
import urllib.error
import urllib.parse
import urllib.request


class Halt(urllib.request.HTTPRedirectHandler):
    """Redirects are answers: the last one leads to where nobody listens."""

    def redirect_request(self, *_):
        return None


class Browser:
    def __init__(self):
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar), Halt)

    def fetch(self, url, fields=None, headers=()):
        """Status, headers and text of one answer."""
        body = urllib.parse.urlencode(fields).encode() if fields is not None else None
        try:
            answer = self.opener.open(urllib.request.Request(url, body, dict(headers)))
        except urllib.error.HTTPError as error:
            answer = error
        return answer.status, answer.headers, answer.read().decode()

    def cookies(self):
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.jar if cookie.path == "/")

    def code(self, url, redirect_uri, typed):
        """Signs in, and allows, where a page asks for it; gives the code that comes in the end."""
        fields, page = None, url
        for _ in range(20):
            origin = "{0.scheme}://{0.netloc}".format(urllib.parse.urlparse(page))
            status, headers, text = self.fetch(page, fields, [("Origin", origin)] if fields is not None else [])
            if 300 <= status < 400:
                page, fields = urllib.parse.urljoin(page, headers["Location"]), None
                if page.startswith(redirect_uri):
                    return urllib.parse.parse_qs(urllib.parse.urlparse(page).query)["code"][0]
                continue
            page, fields = filled(page, text, typed)
        raise SystemExit(f"no code for {url}")


def filled(page, text, typed):
    """Where the form of a page that has the button goes, and what it sends."""
    for form in re.findall(r"(?s)<form.*?</form>", text):
        button = re.search(r'<button[^>]*id="(?:sign-in|allow)"[^>]*>', form)
        if not button:
            continue
        attribute = lambda tag, name: html.unescape((re.search(rf'\b{name}="([^"]*)"', tag) or [None, ""])[1])
        tags = [*re.findall(r"<input[^>]*>", form), button[0]]
        fields = {attribute(tag, "name"): attribute(tag, "value") for tag in tags if attribute(tag, "name")}
        fields |= {name: value for name, value in typed.items() if name in fields}
        return urllib.parse.urljoin(page, attribute(re.match(r"<form[^>]*>", form)[0], "action")), fields
    raise SystemExit(f"no form to go on with at {page}:\n{text}")


def basic(client):
    return "Basic " + base64.b64encode(f"{client['id']}:{client['secret']}".encode()).decode()


def tokens(url, client, fields):
    """What the token endpoint gives."""
    status, _, text = Browser().fetch(url, fields, [("Authorization", basic(client))])
    if status != 200:
        raise SystemExit(f"{url}: {status} {text}")
    return json.loads(text)
