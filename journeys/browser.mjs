// The browser of the journeys, and who sits in front of it. Every page of every visitor is watched: what the browser
// complains about, an answer that is a server's error, and a request to anybody but the site are complaints.

import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const CHROMIUM = "/usr/bin/chromium";

export async function launch() {
  if (!existsSync(CHROMIUM)) throw new Error(`${CHROMIUM} is missing: run cargo xtask test`);
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** Somebody with a browser, in which JavaScript is off. `answer()` is the last page that the site gave. */
export async function visitor(browser, site, complaints, { javaScriptEnabled = false } = {}) {
  const context = await browser.newContext({
    baseURL: site,
    javaScriptEnabled,
    viewport: { width: 1280, height: 900 },
  });
  const page = await context.newPage();
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
