// Answers applications that ask whether somebody else is signed in (OpenID Connect Session Management 1.0, section 3.2).
// It asks no server and keeps nothing, whoever sends whatever; the origin is part of the hash.
"use strict";

// SHA-256 (FIPS 180-4) of an ASCII text, in hexadecimal: crypto.subtle is missing inside of pages that came by plain HTTP.
function sha256(text) {
  const primes = [];
  for (let n = 2; primes.length < 64; n += 1) if (primes.every((prime) => n % prime)) primes.push(n);
  const fraction = (value) => ((value - Math.floor(value)) * 4294967296) | 0;
  const k = primes.map((prime) => fraction(Math.cbrt(prime)));
  const h = primes.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));
  const words = [];
  for (let i = 0; i < text.length; i += 1) words[i >> 2] |= text.charCodeAt(i) << (24 - 8 * (i % 4));
  words[text.length >> 2] |= 0x80 << (24 - 8 * (text.length % 4));
  const length = (((text.length + 8) >> 6) + 1) * 16;
  for (let i = 0; i < length; i += 1) words[i] |= 0;
  words[length - 1] = text.length * 8;
  const turn = (value, by) => (value >>> by) | (value << (32 - by));
  for (let at = 0; at < length; at += 16) {
    const w = words.slice(at, at + 16);
    for (let i = 16; i < 64; i += 1) {
      const a = w[i - 15], b = w[i - 2];
      const s0 = turn(a, 7) ^ turn(a, 18) ^ (a >>> 3), s1 = turn(b, 17) ^ turn(b, 19) ^ (b >>> 10);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
    }
    const v = h.slice();
    for (let i = 0; i < 64; i += 1) {
      const s1 = turn(v[4], 6) ^ turn(v[4], 11) ^ turn(v[4], 25), choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
      const t1 = (v[7] + s1 + choice + k[i] + w[i]) | 0;
      const s0 = turn(v[0], 2) ^ turn(v[0], 13) ^ turn(v[0], 22);
      const majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
      v.unshift((t1 + s0 + majority) | 0);
      v.pop();
      v[4] = (v[4] + t1) | 0;
    }
    v.forEach((value, i) => { h[i] = (h[i] + value) | 0; });
  }
  return h.map((value) => (value >>> 0).toString(16).padStart(8, "0")).join("");
}

function browserState() {
  const start = `${document.documentElement.dataset.cookie}=`;
  const found = document.cookie.split("; ").find((cookie) => cookie.startsWith(start));
  return found ? found.slice(start.length) : "";
}

// "client_id session_state"; session_state is hash and salt. Nothing longer is looked at.
const QUESTION = /^([\x21-\x7e]{1,255}) ([0-9a-f]{64})\.([0-9A-Za-z]{1,64})$/;

function answer(question, origin) {
  const parts = typeof question === "string" && question.length <= 400 ? QUESTION.exec(question) : null;
  const state = browserState();
  // No state: this browser keeps our cookie from frames. "error" makes nobody ask again and again.
  if (!parts || !state) return "error";
  const [, client, hash, salt] = parts;
  return sha256(`${client} ${origin} ${state} ${salt}`) === hash ? "unchanged" : "changed";
}

window.addEventListener("message", (event) => {
  // Only web origins can be answered, and only windows that hold this one ask.
  if (!event.source || event.source === window || !/^https?:\/\//.test(event.origin)) return;
  event.source.postMessage(answer(event.data, event.origin), event.origin);
});
