// The browser of the journeys, and who sits in front of it. Every page of every visitor is watched: what the browser
// complains about, an answer that is a server's error, and a request to anybody but the site are complaints.

import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const CHROMIUM = "/usr/bin/chromium";

const ARGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export async function launch() {
  return chromium.launch({ executablePath: chromiumHere(), args: ARGS });
}

/** Somebody with a browser, in which JavaScript is off. `answer()` is the last page that the site gave. */
export async function visitor(browser, site, complaints, more = {}) {
  const context = await browser.newContext({ ...settings(site), ...more });
  return sitting(context, await context.newPage(), site, complaints);
}

/** Somebody with a browser of their own that refuses every cookie. `more` are further settings, such as its language. */
export async function cookieRefuser(site, complaints, more = {}) {
  const profile = mkdtempSync(join(tmpdir(), "kept-journey-"));
  mkdirSync(join(profile, "Default"));
  const refused = { profile: { default_content_setting_values: { cookies: 2 } } };
  writeFileSync(join(profile, "Default", "Preferences"), JSON.stringify(refused));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: chromiumHere(),
    args: ARGS,
    ...settings(site),
    ...more,
  });
  // The browser may still be writing to it; what cannot be removed is left to the system, and is no fault of the site.
  const options = { recursive: true, force: true, maxRetries: 50, retryDelay: 100 };
  context.on("close", () => rm(profile, options).catch(() => {}));
  return sitting(context, context.pages()[0] ?? (await context.newPage()), site, complaints);
}

/** Another tab of somebody's browser. */
export async function tab(who, site, complaints) {
  return sitting(who.context, await who.context.newPage(), site, complaints);
}

/** A page that is somebody's, watched. */
export function sitting(context, page, site, complaints) {
  // A machine that does much else is given time.
  page.setDefaultTimeout(60_000);
  watch(page, site, complaints);
  let last;
  page.on("response", (response) => {
    const moved = response.status() >= 300 && response.status() < 400;
    if (response.request().isNavigationRequest() && !moved) last = response;
  });
  const answer = async () => ({
    url: last.url(),
    status: last.status(),
    headers: last.headers(),
    body: await last.text(),
  });
  return { context, page, answer };
}

function chromiumHere() {
  if (!existsSync(CHROMIUM)) throw new Error(`${CHROMIUM} is missing: run cargo xtask test`);
  return CHROMIUM;
}

function settings(site) {
  return { baseURL: site, javaScriptEnabled: false, viewport: { width: 1280, height: 900 } };
}

export function watch(page, site, complaints) {
  const at = () => new URL(page.url()).pathname;
  page.on("console", (message) => {
    // That a page is not there, or refuses a form, is what it was asked for; a browser writes it down all the same.
    const refused = /^Failed to load resource: .* status of 4\d\d/.test(message.text());
    const ownPage = message.location().url === page.url();
    if (!["error", "warning"].includes(message.type()) || (refused && ownPage)) return;
    complaints.push(`${at()}: the browser says: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`${at()}: ${error.message}`));
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== new URL(site).origin) {
      complaints.push(`${at()}: a request to another origin: ${request.url()}`);
    }
  });
  page.on("response", (response) => {
    if (response.status() >= 500) complaints.push(`${at()}: answered ${response.status()}`);
  });
}
