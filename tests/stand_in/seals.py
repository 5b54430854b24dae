"""Signatures and ciphers of the stand-in, by the openssl command line, which knows nothing of bidui; and the keys and
certificates that both sides need, made in one folder."""
import asyncio
import base64
import datetime
import hashlib
import hmac
import os
import pathlib
import re
import subprocess
import tempfile
import time

DISTID = "distid:1234567812345678"
KEPT_MAX = 4096


def run(*words, data=b""):
    return subprocess.run(("openssl",) + words, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True).stdout


# -- keys and certificates --


def write_private(path, data):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)


def make_keys(folder):
    """medical.pub and medical.key are what a gateway's keys_folder takes; gateway.key is what it signs with."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for name, public in (("department", "medical"), ("gateway", "gateway")):
        if not (folder / f"{name}.key").exists():
            write_private(folder / f"{name}.key", run("genpkey", "-algorithm", "SM2"))
            run("pkey", "-in", str(folder / f"{name}.key"), "-pubout", "-out", str(folder / f"{public}.pub"))
    if not (folder / "medical.key").exists():
        write_private(folder / "medical.key", os.urandom(16).hex().encode() + b"\n")
    return folder


def make_certificates(folder):
    """An authority of the departments, a server of theirs in each state, and a client for the gateway."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if (folder / "stranger.crt").exists():
        return folder
    now = datetime.datetime.now(datetime.timezone.utc)
    stamp = "%Y%m%d%H%M%SZ"
    days = lambda count: (now + datetime.timedelta(days=count)).strftime(stamp)
    here = "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n"
    for name in ("ca", "other-ca"):
        key_of(folder, name)
        run("req", "-x509", "-new", "-key", f"{folder}/{name}.key", "-subj", f"/CN=stand-in {name}", "-days", "30",
            "-out", f"{folder}/{name}.crt")
    for name, issuer, begin, end, extensions in (
        ("server", "ca", -1, 30, here),
        ("expired", "ca", -30, -1, here),
        ("wrong-name", "ca", -1, 30, "subjectAltName=DNS:elsewhere.invalid\nextendedKeyUsage=serverAuth\n"),
        ("client", "ca", -1, 30, "subjectAltName=DNS:gateway.invalid\nextendedKeyUsage=clientAuth\n"),
        ("stranger", "other-ca", -1, 30, here),
    ):
        sign_certificate(folder, name, issuer, days(begin), days(end), extensions)
    return folder


def key_of(folder, name):
    write_private(folder / f"{name}.key", run("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"))


def sign_certificate(folder, name, issuer, begin, end, extensions):
    """`openssl ca`, the only command of 3.0 that takes both dates."""
    key_of(folder, name)
    run("req", "-new", "-key", f"{folder}/{name}.key", "-subj", f"/CN=stand-in {name}", "-out", f"{folder}/{name}.csr")
    with tempfile.TemporaryDirectory() as work:
        pathlib.Path(work, "index").touch()
        pathlib.Path(work, "extensions").write_text(extensions, encoding="ascii")
        pathlib.Path(work, "conf").write_text(
            f"[ca]\ndefault_ca=c\n[c]\ndatabase={work}/index\nnew_certs_dir={work}\nrand_serial=yes\ndefault_md=sha256\n"
            "policy=p\n[p]\ncommonName=supplied\n", encoding="ascii")
        run("ca", "-batch", "-notext", "-config", f"{work}/conf", "-cert", f"{folder}/{issuer}.crt", "-keyfile",
            f"{folder}/{issuer}.key", "-startdate", begin, "-enddate", end, "-extfile", f"{work}/extensions",
            "-in", f"{folder}/{name}.csr", "-out", f"{folder}/{name}.crt")
    (folder / f"{name}.csr").unlink()


# -- SM2 and SM4 --


def raw_of(der):
    """r and s one behind the other, 64 bytes, of a signature in DER."""
    numbers = re.findall(rb"INTEGER\s*:([0-9A-F]+)", run("asn1parse", "-inform", "DER", data=der))
    return b"".join(bytes.fromhex(number.decode().rjust(64, "0")) for number in numbers)


def der_of(raw):
    parts = []
    for half in (raw[:32], raw[32:]):
        number = half.lstrip(b"\0") or b"\0"
        number = b"\0" + number if number[0] & 0x80 else number
        parts.append(b"\x02" + bytes([len(number)]) + number)
    return b"\x30" + bytes([sum(map(len, parts))]) + b"".join(parts)


class Seals:
    """Nothing blocks the loop: openssl runs beside it, a few at a time, and what was asked once is kept."""

    def __init__(self, keys):
        self.keys = keys
        self.sm4 = (keys / "medical.key").read_text(encoding="ascii").strip()
        self.kept = {}
        self.few = asyncio.Semaphore(4)

    async def once(self, key, work):
        if key not in self.kept:
            if len(self.kept) >= KEPT_MAX:
                self.kept.pop(next(iter(self.kept)))
            async with self.few:
                self.kept[key] = await asyncio.to_thread(work)
        return self.kept[key]

    async def sign(self, text):
        """SM2 over SM3, r and s in base64."""
        def work():
            with tempfile.NamedTemporaryFile() as file:
                file.write(text)
                file.flush()
                return run("pkeyutl", "-sign", "-inkey", f"{self.keys}/department.key", "-rawin", "-in", file.name,
                           "-digest", "sm3", "-pkeyopt", DISTID)
        return base64.b64encode(raw_of(await self.once(("sign", text), work))).decode()

    async def is_signed(self, text, signature):
        """By the gateway; r and s, or DER, in base64."""
        try:
            given = base64.b64decode(signature, validate=True)
        except ValueError:
            return False
        def work():
            with tempfile.NamedTemporaryFile() as file, tempfile.NamedTemporaryFile() as sign:
                file.write(text)
                sign.write(der_of(given) if len(given) == 64 else given)
                file.flush()
                sign.flush()
                try:
                    run("pkeyutl", "-verify", "-pubin", "-inkey", f"{self.keys}/gateway.pub", "-rawin", "-in", file.name,
                        "-sigfile", sign.name, "-digest", "sm3", "-pkeyopt", DISTID)
                except subprocess.CalledProcessError:
                    return False
                return True
        return await self.once(("verify", text, signature), work)

    async def seal(self, text):
        return await self.once(("seal", text), lambda: run("enc", "-sm4-ecb", "-K", self.sm4, data=text))

    async def opened(self, data):
        """None when it cannot be."""
        def work():
            try:
                return run("enc", "-d", "-sm4-ecb", "-K", self.sm4, data=data)
            except subprocess.CalledProcessError:
                return None
        return await self.once(("open", data), work)


# -- headers that prove who asks --

WINDOW_SECONDS = 600


def is_recent(stamp):
    """Seconds or milliseconds since 1970."""
    seconds = int(stamp) / (1000 if len(stamp) >= 13 else 1) if stamp.isdigit() else 0
    return abs(time.time() - seconds) <= WINDOW_SECONDS


def platform_sign(secret, sid, rid, rtime):
    """gjzwfwpt_sign = base64(HMAC-SHA256(sid + rid + rtime, secret))"""
    return base64.b64encode(hmac.new(secret.encode(), (sid + rid + rtime).encode(), hashlib.sha256).digest()).decode()


def tif_sign(token, timestamp, nonce):
    """x-tif-signature = hex SHA-256(timestamp + token + nonce + timestamp)"""
    return hashlib.sha256((timestamp + token + nonce + timestamp).encode()).hexdigest()
