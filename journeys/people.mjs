// What the people of an example do that takes more than one page, on any of the examples.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { fill, heading, path, press } from "./acts.mjs";

/** An address that nobody has yet, and a password. */
export function invented(given, family) {
  const email = `${given}.${family}.${Date.now().toString(36)}@example.test`.toLowerCase();
  return { given, family, email, password: "seven lanterns under quiet snow" };
}

/** Signs up and confirms the address, by the password where the browser cannot tell that it is the same. */
export async function joins(who) {
  await who.page.goto("/sign-up");
  await fill(who, "Given name", who.given);
  await fill(who, "Family name", who.family);
  await fill(who, "E-mail address", who.email);
  await fill(who, "Password", who.password);
  await press(who, "Sign up");
  await heading(who, "Check your mail");
  await letter(who);
  const again = who.page.getByRole("main").getByLabel("Password");
  if (await again.count()) await again.fill(who.password);
  await press(who, "Confirm my address");
  await heading(who, "Your account is open");
}

export async function signIn(who, email, password) {
  await fill(who, "E-mail address", email);
  await fill(who, "Password", password);
  await press(who, "Sign in");
}

export async function mailbox(who) {
  await who.page.goto("/demo/mail");
  await fill(who, "E-mail address", who.email);
  await press(who, "Open the mailbox");
}

/** Follows the newest letter's link, or the newest that leads to such a page. */
export async function letter(who, to = "/") {
  await mailbox(who);
  await who.page.locator(`article.letter a[href*='${to}']`).first().click();
}

/** Signs in as one of those whose password and one-time code the example shows. */
export async function enter(who, see) {
  await who.page.goto("/demo");
  who.password = await who.page.locator("main p code").first().innerText();
  await who.page.goto("/sign-in");
  await signIn(who, who.email, who.password);
  assert.equal(path(who), "/sign-in/code");
  await see?.("sign-in-code", who);
  const shown = await who.context.newPage();
  await shown.goto("/demo");
  const code = await shown.getByRole("row").filter({ hasText: who.email }).locator("code").innerText();
  await shown.close();
  await fill(who, "Code", code);
  await press(who, "Sign in with this code");
  assert.equal(path(who), "/account");
}

/** Today, by the example's clock, as the milliseconds of its first moment. */
export async function today(who) {
  await who.page.goto("/demo");
  return Date.parse(`${/Here it is (\d+ \w+ \d+)/.exec(await who.page.locator("main").innerText())[1]} UTC`);
}

/** Presses the clock's button, and again where a slow machine did not get through all the days at once. */
export async function moveClock(who, label, days) {
  const goal = (await today(who)) + days * 86_400_000;
  await press(who, label, { timeout: 40_000 });
  while ((await today(who)) < goal) await press(who, "Thirty days on", { timeout: 40_000 });
}

/** What an authenticator app shows for a secret in base32, while the example's clock runs with the machine's (RFC 6238). */
export function oneTimeCode(secret) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret.replace(/[^A-Z2-7]/g, "")].map((one) => letters.indexOf(one).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const mac = createHmac("sha1", key).update(step).digest();
  const code = (mac.readUInt32BE(mac.at(-1) & 15) & 0x7fffffff) % 1_000_000;
  return code.toString().padStart(6, "0");
}
