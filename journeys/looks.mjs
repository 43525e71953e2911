// How a page looks to people: axe-core finds no barrier, nothing runs out of the screen, in light and dark, on a phone
// and on a desk. A page that the walk was given is shown again as it came, so that a look asks the site for nothing twice.

import { readFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { watch } from "./browser.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const SCREENS = [
  { name: "phone", width: 390, height: 844 },
  { name: "desktop", width: 1280, height: 900 },
];
/** WCAG 2.2, 1.4.10 Reflow: no sideways scrolling at this width. */
const NARROWEST = 320;

export async function looker(browser, site, complaints, shots) {
  if (shots) mkdirSync(shots, { recursive: true });
  const looks = [];
  for (const colorScheme of ["light", "dark"]) {
    for (const { name, width, height } of SCREENS) {
      const context = await browser.newContext({
        baseURL: site,
        bypassCSP: true,
        colorScheme,
        viewport: { width, height },
      });
      const page = await context.newPage();
      watch(page, site, complaints);
      looks.push({ name: `${name}-${colorScheme}`, page, width, height });
    }
  }
  let count = 0;

  /** Looks at an answer in every way. */
  async function look(name, answer) {
    for (const { name: way, page, width, height } of looks) {
      const shown = (route) => route.fulfill({ status: answer.status, headers: answer.headers, body: answer.body });
      await page.route(answer.url, shown, { times: 1 });
      await page.goto(answer.url);
      if (!(await page.title())) complaints.push(`${name}, ${way}: the page has no title`);
      for (const found of await barriers(page)) complaints.push(`${name}, ${way}: ${found}`);
      if (shots) await page.screenshot({ path: join(shots, `${name}-${way}.png`), fullPage: true });
      await page.setViewportSize({ width: NARROWEST, height });
      const { wide, widest } = await reach(page);
      if (wide > NARROWEST) complaints.push(`${name}, ${way}: ${wide} px wide on ${NARROWEST}: ${widest}`);
      await page.setViewportSize({ width, height });
    }
    count += 1;
  }
  return { look, counted: () => `${count} pages in ${looks.length} ways` };
}

async function barriers(page) {
  await page.evaluate(AXE);
  const violations = await page.evaluate(async (tags) => {
    const options = { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] };
    return (await globalThis.axe.run(document, options)).violations;
  }, TAGS);
  return violations.map(({ id, help, nodes }) => {
    const [first] = nodes;
    return `${id}: ${help} (${nodes.length} times, first ${first.target.join(" ")}: ${first.failureSummary})`;
  });
}

/** How far the page reaches to the right, and what reaches farthest. */
function reach(page) {
  return page.evaluate(() => {
    const wide = document.documentElement.scrollWidth;
    const all = [...document.body.querySelectorAll("*")];
    const far = all.filter((one) => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1);
    return { wide, widest: far.map((one) => `${one.tagName.toLowerCase()}.${one.className}`).slice(0, 5).join(", ") };
  });
}
