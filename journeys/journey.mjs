// A journey from its first page to its last: the browser, everything somebody could complain about, and the exit code.

import assert from "node:assert/strict";
import { asked } from "./acts.mjs";
import { cookieRefuser, launch, visitor } from "./browser.mjs";
import { looker } from "./looks.mjs";

/**
 * Makes a journey: `work` gets the site, `see(name, who)` to look at the page that somebody was given last,
 * `someone(more, settings)` for another person with a browser of their own, and `refuser(more, settings)` for one whose
 * browser refuses every cookie.
 */
export async function journey(name, work) {
  const { site, shots } = asked(name, process.argv.slice(2));
  const complaints = [];
  const browser = await launch();
  const refusers = [];
  try {
    const { look, counted } = await looker(browser, site, complaints, shots);
    const see = async (page, who) => look(page, await who.answer());
    const someone = async (more, settings) => ({ ...(await visitor(browser, site, complaints, settings)), ...more });
    const refuser = async (more, settings) => {
      const who = await cookieRefuser(site, complaints, settings);
      refusers.push(who.context);
      return { ...who, ...more };
    };
    await work({ site, complaints, see, someone, refuser });
    assert.deepEqual(complaints, [], "complaints");
    console.log(`looked at ${counted()}`);
  } catch (error) {
    console.error(`failed: ${error.message}`);
    for (const complaint of complaints) console.error(`  ${complaint}`);
    process.exitCode = 1;
  } finally {
    for (const context of refusers) await context.close();
    await browser.close();
  }
}
