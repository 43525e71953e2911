// A journey from its first page to its last: the browser, everything somebody could complain about, and the exit code.

import assert from "node:assert/strict";
import { asked } from "./acts.mjs";
import { launch, visitor } from "./browser.mjs";
import { looker } from "./looks.mjs";

/**
 * Makes a journey: `work` gets the site, `see(name, who)` to look at the page that somebody was given last, and
 * `someone(more)` for another person with a browser of their own.
 */
export async function journey(name, work) {
  const { site, shots } = asked(name, process.argv.slice(2));
  const complaints = [];
  const browser = await launch();
  try {
    const { look, counted } = await looker(browser, site, complaints, shots);
    const see = async (page, who) => look(page, await who.answer());
    const someone = async (more) => ({ ...(await visitor(browser, site, complaints)), ...more });
    await work({ browser, site, complaints, see, someone });
    assert.deepEqual(complaints, [], "complaints");
    console.log(`looked at ${counted()}`);
  } catch (error) {
    console.error(`failed: ${error.message}`);
    for (const complaint of complaints) console.error(`  ${complaint}`);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
}
