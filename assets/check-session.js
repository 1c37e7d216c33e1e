// Answers applications that ask whether somebody else is signed in (OpenID Connect Session Management 1.0, section 3.2).
// It asks no server and keeps nothing, whoever sends whatever; the origin is part of the hash.
"use strict";

// In words of 2009, so that browsers too old for the other script answer, too.
// SHA-256 (FIPS 180-4) of an ASCII text, in hexadecimal: crypto.subtle is missing inside of pages that came by plain HTTP.
function sha256(text) {
  var primes = [], k = [], h = [], words = [], hexadecimal = "";
  var n, i, at, length, w, v, s0, s1, choice, majority, t1;
  function isPrime(value) {
    return primes.every(function (prime) { return value % prime; });
  }
  function fraction(value) { return ((value - Math.floor(value)) * 4294967296) | 0; }
  function turn(value, by) { return (value >>> by) | (value << (32 - by)); }
  for (n = 2; primes.length < 64; n += 1) if (isPrime(n)) primes.push(n);
  for (i = 0; i < 64; i += 1) k[i] = fraction(Math.pow(primes[i], 1 / 3));
  for (i = 0; i < 8; i += 1) h[i] = fraction(Math.sqrt(primes[i]));
  length = (((text.length + 8) >> 6) + 1) * 16;
  for (i = 0; i < length; i += 1) words[i] = 0;
  for (i = 0; i < text.length; i += 1) words[i >> 2] |= text.charCodeAt(i) << (24 - 8 * (i % 4));
  words[text.length >> 2] |= 0x80 << (24 - 8 * (text.length % 4));
  words[length - 1] = text.length * 8;
  for (at = 0; at < length; at += 16) {
    w = words.slice(at, at + 16);
    for (i = 16; i < 64; i += 1) {
      s0 = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ (w[i - 15] >>> 3);
      s1 = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ (w[i - 2] >>> 10);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
    }
    v = h.slice();
    for (i = 0; i < 64; i += 1) {
      s1 = turn(v[4], 6) ^ turn(v[4], 11) ^ turn(v[4], 25);
      choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
      t1 = (v[7] + s1 + choice + k[i] + w[i]) | 0;
      s0 = turn(v[0], 2) ^ turn(v[0], 13) ^ turn(v[0], 22);
      majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
      v.unshift((t1 + s0 + majority) | 0);
      v.pop();
      v[4] = (v[4] + t1) | 0;
    }
    for (i = 0; i < 8; i += 1) h[i] = (h[i] + v[i]) | 0;
  }
  for (i = 0; i < 8; i += 1) hexadecimal += ("0000000" + (h[i] >>> 0).toString(16)).slice(-8);
  return hexadecimal;
}

function browserState() {
  var start = document.documentElement.getAttribute("data-cookie") + "=", state = "";
  document.cookie.split("; ").forEach(function (cookie) {
    if (!state && cookie.indexOf(start) === 0) state = cookie.slice(start.length);
  });
  return state;
}

// "client_id session_state"; session_state is hash and salt. Nothing longer is looked at.
var QUESTION = /^([\x21-\x7e]{1,255}) ([0-9a-f]{64})\.([0-9A-Za-z]{1,64})$/;

function answer(question, origin) {
  var parts = typeof question === "string" && question.length <= 400 ? QUESTION.exec(question) : null;
  var state = browserState();
  // No state: this browser keeps our cookie from frames. "error" makes nobody ask again and again.
  if (!parts || !state) return "error";
  return sha256(parts[1] + " " + origin + " " + state + " " + parts[3]) === parts[2] ? "unchanged" : "changed";
}

window.addEventListener("message", function (event) {
  // Only web origins can be answered, and only windows that hold this one ask.
  if (!event.source || event.source === window || !/^https?:\/\//.test(event.origin)) return;
  event.source.postMessage(answer(event.data, event.origin), event.origin);
});
