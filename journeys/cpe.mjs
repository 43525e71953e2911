// An account from its first page to its last in a browser that refuses every cookie: the education provider's sessions
// live in addresses (acc-5). Done as people do it: reload, Back, a second tab, an address pasted elsewhere.
//
//     node journeys/cpe.mjs URL [--shots DIR]
//
// URL is that of a running example (`kept demo cpe`). Exit 0, or 1 with what was found.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fill, follow, heading, path, press, says, step } from "./acts.mjs";
import { sitting, tab } from "./browser.mjs";
import { journey } from "./journey.mjs";
import { invented, letter, signIn } from "./people.mjs";

await journey("cpe.mjs", async ({ site, complaints, see, refuser }) => {
  const open = [];
  const ada = await someone(invented("Ada", "Addressed"));

  await step("the browser refuses the one cookie there is, and everything can be read", async () => {
    await ada.page.goto("/notice");
    await heading(ada, "Privacy notice");
    await says(ada, "No cookie holds your session.", "This site works with cookies refused");
    await see("notice", ada);
    await press(ada, "Dismiss");
    assert.equal(path(ada), "/notice", "back where one was");
    assert.equal(await ada.page.getByRole("button", { name: "Dismiss" }).count(), 1, "the cookie was refused");
    await ada.page.goto("/notice/kept");
    assert.equal(await ada.page.locator("section.sentence .broken").count(), 0);
  });

  await step("signs up, and confirms the address", async () => {
    await ada.page.goto("/");
    await ada.page.getByRole("main").getByRole("link", { name: "Sign up" }).click();
    assert.ok(!carried(ada), "what a visitor reads can be passed on");
    await see("sign-up", ada);
    await press(ada, "Sign up");
    assert.equal((await ada.answer()).status, 422);
    await see("sign-up-errors", ada);
    await fill(ada, "Given name", ada.given);
    await fill(ada, "Family name", ada.family);
    await fill(ada, "E-mail address", ada.email);
    await fill(ada, "Password", ada.password);
    await press(ada, "Sign up");
    await heading(ada, "Check your mail");
    await letter(ada);
    await see("confirm", ada);
    await fill(ada, "Password", ada.password);
    await press(ada, "Confirm my address");
    await heading(ada, "Your account is open");
  });

  await step("signs in, and the address carries it", async () => {
    await ada.page.goto("/sign-in");
    await see("sign-in", ada);
    await signIn(ada, ada.email, "not the password of anybody");
    assert.equal((await ada.answer()).status, 422);
    await see("sign-in-errors", ada);
    await signIn(ada, ada.email, ada.password);
    assert.equal(path(ada), "/account");
    assert.ok(carried(ada));
    await see("account", ada);
  });

  await step("reloads, goes back and forward", async () => {
    await ada.page.reload();
    assert.equal(path(ada), "/account");
    await follow(ada, "My data");
    await heading(ada, "My data");
    await see("account-data", ada);
    await ada.page.goBack();
    await heading(ada, "My account");
    await ada.page.goForward();
    await heading(ada, "My data");
    await ada.page.reload();
    await heading(ada, "My data");
  });

  await step("changes a detail", async () => {
    await follow(ada, "My account");
    await fill(ada, "Family name", "Addressed-Stride");
    await press(ada, "Save my details");
    assert.equal(path(ada), "/account");
    assert.equal(await ada.page.getByLabel("Family name").inputValue(), "Addressed-Stride");
    await ada.page.reload();
    assert.equal(await ada.page.getByLabel("Family name").inputValue(), "Addressed-Stride");
  });

  await step("dismisses the bar, and is where one was", async () => {
    await press(ada, "Dismiss");
    await heading(ada, "My account");
  });

  await step("opens a link in a second tab, and goes on in both", async () => {
    const coming = ada.context.waitForEvent("page");
    await ada.page.getByRole("link", { name: "Where you are signed in" }).click({ modifiers: ["Control"] });
    const second = sitting(ada.context, await coming, site, complaints);
    await second.page.waitForLoadState();
    await heading(second, "Where you are signed in");
    await second.page.reload();
    await heading(second, "Where you are signed in");
    await follow(ada, "My data");
    await follow(second, "My account");
    await heading(second, "My account");
    await second.page.close();
  });

  await step("an address typed into another tab opens nothing, and ends nothing", async () => {
    const typed = await tab(ada, site, complaints);
    await typed.page.goto(ada.page.url());
    await isSignIn(typed);
    await typed.page.reload();
    await isSignIn(typed);
    await typed.page.close();
    await ada.page.reload();
    await heading(ada, "My data");
  });

  await step("a link on another site opens nothing either", async () => {
    const lured = await tab(ada, site, complaints);
    await lured.page.goto("about:blank");
    await lured.page.setContent(`<a href="${ada.page.url()}">look</a>`);
    await lured.page.getByRole("link").click();
    await isSignIn(lured);
    await lured.page.close();
    await ada.page.reload();
    await heading(ada, "My data");
  });

  await step("pasted into the like browser of somebody else it opens nothing", async () => {
    const twin = await someone();
    await twin.page.goto(ada.page.url());
    await isSignIn(twin);
    await see("sign-in-pasted", twin);
    await ada.page.reload();
    await heading(ada, "My data");
  });

  await step("pasted into another browser it opens nothing, and the session ends", async () => {
    const friend = await someone({}, { locale: "fr-FR" });
    await friend.page.goto(ada.page.url());
    await isSignIn(friend);
    await ada.page.reload();
    await isSignIn(ada);
    await signIn(ada, ada.email, ada.password);
    assert.equal(path(ada), "/account/data", "back at the page that was asked for");
    await follow(ada, "all of them");
    await says(ada, "A session ended, because its address was opened in another browser.");
    await see("trail", ada);
  });

  await step("takes everything along, after the password", async () => {
    await follow(ada, "My data");
    await follow(ada, "take everything with you");
    await press(ada, "Download my data");
    assert.equal((await ada.answer()).status, 422, "not without the password");
    await see("export", ada);
    await fill(ada, "Your password", ada.password);
    const coming = ada.page.waitForEvent("download");
    await press(ada, "Download my data");
    assert.equal(readFileSync(await (await coming).path()).subarray(0, 2).toString(), "PK");
  });

  await step("adds an address by a letter's link, which asks to sign in and leads on", async () => {
    await follow(ada, "My account");
    await follow(ada, "Your e-mail addresses");
    await fill(ada, "E-mail address", `work.${ada.email}`);
    await fill(ada, "Your password", ada.password);
    await press(ada, "Add this address");
    await says(ada, "waits for its confirmation");
    await see("addresses", ada);
    await letter({ ...ada, email: `work.${ada.email}` });
    await isSignIn(ada);
    await signIn(ada, ada.email, ada.password);
    await heading(ada, "Confirm your address");
    await press(ada, "Confirm this address");
    await says(ada, "You can sign in with any of them.");
  });

  await step("changes the password, and goes on", async () => {
    await follow(ada, "My account");
    await follow(ada, "Change your password");
    const next = "a quieter lantern over the harbour";
    await fill(ada, "Your present password", ada.password);
    await fill(ada, "New password", next);
    await press(ada, "Change my password");
    await heading(ada, "Your password is new");
    ada.password = next;
    await follow(ada, "Back to My account");
    await heading(ada, "My account");
  });

  await step("signs out, and the step back shows nothing", async () => {
    await follow(ada, "My data");
    await heading(ada, "My data");
    const left = ada.page.url();
    await press(ada, "Sign out");
    await heading(ada, "You have signed out");
    assert.ok(!carried(ada));
    await see("signed-out", ada);
    await ada.page.goBack();
    await isSignIn(ada);
    await ada.page.goto(left);
    await isSignIn(ada);
  });

  await step("and there never was a cookie, nor an address in another's hands", async () => {
    for (const context of open) assert.deepEqual(await context.cookies(), []);
  });

  /** Somebody whose browser refuses every cookie, and of which every request and answer is looked at. */
  async function someone(more, settings) {
    const who = await refuser(more, settings);
    open.push(who.context);
    who.context.on("request", (request) => {
      const from = request.headers().referer;
      if (from) complaints.push(`a request says where it comes from: ${new URL(request.url()).pathname}`);
    });
    who.context.on("response", async (response) => {
      const { pathname } = new URL(response.url());
      const headers = await response.allHeaders().catch(() => ({}));
      const bar = pathname.endsWith("/notice/seen");
      if (headers["set-cookie"] && !bar) complaints.push(`${pathname} sets a cookie`);
      if (/^\/s\/[^/]+\/notice/.test(pathname) && !bar) complaints.push("a public page carries a session");
    });
    return who;
  }
});

/** Whether the address carries a session. */
function carried(who) {
  return new URL(who.page.url()).pathname.startsWith("/s/");
}

async function isSignIn(who) {
  await heading(who, "Sign in");
  assert.equal(path(who), "/sign-in");
  assert.ok(!carried(who), "the address bar keeps no session");
}
