// What people do and see in every journey.

import assert from "node:assert/strict";

export async function fill(who, label, value) {
  await who.page.getByRole("main").getByLabel(label).fill(value);
}

export async function press(who, name, options) {
  await who.page.getByRole("button", { name, exact: true }).click(options);
}

/** Goes on by a link of the page: where addresses carry sessions, one that is typed in opens nothing. */
export async function follow(who, name) {
  await who.page.getByRole("link", { name, exact: true }).first().click();
}

export async function heading(who, text) {
  assert.equal(await who.page.getByRole("heading", { level: 1 }).innerText(), text);
}

export async function says(who, ...texts) {
  const all = await who.page.locator("main").innerText();
  const values = await who.page.locator("main input").evaluateAll((inputs) => inputs.map((input) => input.value));
  for (const text of texts) {
    assert.ok(all.includes(text) || values.includes(text), `${path(who)} does not say "${text}"`);
  }
}

/** Where somebody is, without the session that an address may carry. */
export function path(who) {
  return new URL(who.page.url()).pathname.replace(/^\/s\/[^/]+/, "");
}

export async function step(name, work) {
  const begun = performance.now();
  try {
    await work();
  } catch (error) {
    throw new Error(`${name}: ${error.message}`);
  }
  console.log(`good: ${name} (${((performance.now() - begun) / 1000).toFixed(1)} s)`);
}

export function asked(journey, [url, option, folder]) {
  if (!url || (option && (option !== "--shots" || !folder))) {
    console.error(`usage: node journeys/${journey} URL [--shots DIR]`);
    process.exit(2);
  }
  return { site: new URL(url).origin, shots: folder };
}
