// The first walk: somebody signs up, is looked up by the support desk, lets the membership end, and half a year later is
// gone; then they come back. Everything is done as people do it, in a real browser with JavaScript off.
//
//     node journeys/walk.mjs URL [--shots DIR]
//
// URL is that of a running example (`kept demo trainers`). Exit 0, or 1 with what was found.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fill, follow, heading, path, press, says, step } from "./acts.mjs";
import { journey } from "./journey.mjs";
import { enter, invented, joins, letter, mailbox, moveClock, signIn } from "./people.mjs";

await journey("walk.mjs", async ({ see, someone }) => {
  const member = await someone(invented("Wilma", "Walker"));
  const support = await someone({ email: "sam@example.test" });
  const owner = await someone({ email: "olive@example.test" });
  let former;
  const reason = "asks by telephone what we hold";

  await step("anybody reads, and no cookie is left with them", async () => {
    for (const [name, path, title] of [
      ["home", "/", "Example Trainers' Network"],
      ["notice", "/notice", "Privacy notice"],
      ["uses", "/notice/uses", "Who sees what"],
      ["kept", "/notice/kept", "How the notice is kept"],
      ["versions", "/notice/versions", "Earlier and coming notices"],
    ]) {
      await member.page.goto(path);
      await heading(member, title);
      await see(name, member);
    }
    await member.page.getByRole("link", { name: "This notice in full" }).click();
    await see("version", member);
    await board(member);
    assert.deepEqual(await member.context.cookies(), []);
    await member.page.goto("/demo");
    await see("demo", member);
  });

  await step("the notification bar goes away for good, with the one cookie the notice names for it", async () => {
    await member.page.goto("/notice");
    await member.page.getByRole("button", { name: "Dismiss" }).click();
    assert.equal(path(member), "/notice");
    assert.equal(await member.page.getByRole("button", { name: "Dismiss" }).count(), 0);
    assert.deepEqual((await member.context.cookies()).map((cookie) => cookie.name).sort(), ["kept_session", "notice-seen"]);
  });

  await step("a person signs up", async () => {
    await member.page.goto("/");
    await member.page.getByRole("main").getByRole("link", { name: "Sign up" }).click();
    await see("sign-up", member);
    await press(member, "Sign up");
    assert.equal((await member.answer()).status, 422);
    await see("sign-up-errors", member);
    await fill(member, "Given name", member.given);
    await fill(member, "Family name", member.family);
    await fill(member, "E-mail address", member.email);
    await fill(member, "Password", member.password);
    await press(member, "Sign up");
    await heading(member, "Check your mail");
    await see("check-mail", member);
  });

  await step("confirms the address with the mail", async () => {
    await mailbox(member);
    await see("mail", member);
    await member.page.locator("article.letter a").first().click();
    await see("confirm", member);
    await press(member, "Confirm my address");
    await heading(member, "Your account is open");
    await see("confirmed", member);
  });

  await step("signs in", async () => {
    await member.page.goto("/sign-in");
    await see("sign-in", member);
    await signIn(member, member.email, "not the password of anybody");
    assert.equal((await member.answer()).status, 422);
    await see("sign-in-errors", member);
    await signIn(member, member.email, member.password);
    assert.equal(path(member), "/account");
    await see("account", member);
    former = await memberId(member);
  });

  await step("corrects a detail", async () => {
    await fill(member, "Family name", "Walker-Stride");
    await press(member, "Save my details");
    assert.equal(path(member), "/account");
    assert.equal(await member.page.getByLabel("Family name").inputValue(), "Walker-Stride");
  });

  await step("sees what is held, and a second factor", async () => {
    await member.page.goto("/account/data");
    await says(member, "Walker-Stride", member.email, "Why");
    await see("account-data", member);
    await member.page.goto("/account/second-factor");
    await see("second-factor", member);
    await fill(member, "Your password", member.password);
    await press(member, "Set up a second factor");
    await see("second-factor-setup", member);
  });

  await step("sees where the account is open, and ends the rest", async () => {
    const elsewhere = await someone();
    await elsewhere.page.goto("/sign-in");
    await signIn(elsewhere, member.email, member.password);
    await member.page.goto("/account/sessions");
    await says(member, "this is the one you are looking at");
    await see("sessions", member);
    await press(member, "End all sessions but this one");
    assert.equal(await member.page.getByRole("button", { name: "Sign out here" }).count(), 1);
    await elsewhere.page.goto("/account");
    assert.equal(path(elsewhere), "/sign-in", "that session has ended");
    await elsewhere.context.close();
  });

  await step("changes the password, and sees what to do if somebody knows it", async () => {
    const next = "a quieter lantern over the harbour";
    await member.page.goto("/account/password");
    await see("password", member);
    await fill(member, "Your present password", member.password);
    await fill(member, "New password", "short");
    await press(member, "Change my password");
    assert.equal((await member.answer()).status, 422);
    await see("password-errors", member);
    await fill(member, "Your present password", member.password);
    await fill(member, "New password", next);
    await press(member, "Change my password");
    await heading(member, "Your password is new");
    await see("password-replaced", member);
    member.password = next;
    await member.page.goto("/account/compromised");
    await see("compromised", member);
  });

  await step("adds an address", async () => {
    await member.page.goto("/account/addresses");
    await fill(member, "E-mail address", `work.${member.email}`);
    await fill(member, "Your password", member.password);
    await press(member, "Add this address");
    await says(member, "waits for its confirmation");
    await see("addresses", member);
    await letter({ ...member, email: `work.${member.email}` });
    await see("address-confirm", member);
    await press(member, "Confirm this address");
    assert.equal(path(member), "/account/addresses");
    await says(member, "You can sign in with any of them.");
  });

  await step("makes it the main one, and removes the other", async () => {
    const first = member.email;
    for (const [address, button] of [
      [`work.${first}`, "Make it the main one"],
      [first, "Remove it"],
    ]) {
      await fill(member, "E-mail address", address);
      await fill(member, "Your password", member.password);
      await press(member, button);
      assert.equal((await member.answer()).status, 200, button);
    }
    member.email = `work.${first}`;
    await says(member, `${member.email}: the main one`);
    assert.ok(!(await member.page.locator("main li").allInnerTexts()).includes(first));
    await see("addresses-main", member);
  });

  await step("takes everything along as one file", async () => {
    await member.page.goto("/account/export");
    await see("export", member);
    await fill(member, "Your password", member.password);
    const coming = member.page.waitForEvent("download");
    await press(member, "Download my data");
    const download = await coming;
    assert.match(download.suggestedFilename(), /^my-data-\d{4}-\d\d-\d\d\.zip$/);
    assert.equal(readFileSync(await download.path()).subarray(0, 2).toString(), "PK");
  });

  await step("asks to close the account, and keeps it", async () => {
    await member.page.goto("/account/close");
    await says(member, "What goes", "erased from");
    await see("close", member);
    await fill(member, "Your password", member.password);
    await member.page.locator("button[value=close]").click();
    await says(member, "You asked us to close your account.");
    await see("closing", member);
    await press(member, "Keep my account");
    await says(member, "to change your mind");
  });

  await step("reads the trail, and signs out", async () => {
    await member.page.goto("/account/trail");
    await says(member, "You took a copy of your data.", "You ended all other sessions.", "You set your password.");
    await see("trail", member);
    await press(member, "Sign out");
    await heading(member, "You have signed out");
    await see("signed-out", member);
    await member.page.goto("/account/data");
    assert.equal(path(member), "/sign-in", "who has signed out sees nothing");
  });

  await step("recovers a forgotten password", async () => {
    await member.page.goto("/forgotten");
    await see("forgotten", member);
    await fill(member, "E-mail address or member id", member.email);
    await press(member, "Send me a message");
    await heading(member, "Check your mail");
    await see("forgotten-sent", member);
    await letter(member, "/recover/");
    await see("recover", member);
    member.password = "one more lantern under the bridge";
    await fill(member, "New password", member.password);
    await press(member, "Set this password");
    await heading(member, "Your password is new");
    await see("recovered", member);
  });

  await step("somebody else closes an account at once, and is gone", async () => {
    const leaver = await someone(invented("Lena", "Leaver"));
    await joins(leaver);
    await leaver.page.goto("/sign-in");
    await signIn(leaver, leaver.email, leaver.password);
    await leaver.page.goto("/account/close");
    await fill(leaver, "Your password", leaver.password);
    await leaver.page.locator("button[value=now]").click();
    assert.equal((await leaver.answer()).status, 422, "not without the tick");
    await see("close-errors", leaver);
    await fill(leaver, "Your password", leaver.password);
    await leaver.page.getByRole("checkbox").check();
    await leaver.page.locator("button[value=now]").click();
    await heading(leaver, "Your account is closed");
    await see("closed", leaver);
    await leaver.page.goto("/sign-in");
    await signIn(leaver, leaver.email, leaver.password);
    assert.ok((await leaver.answer()).status >= 400, "nobody signs in with a closed account");
    await leaver.context.close();
  });

  await step("the support desk looks the person up, with a reason", async () => {
    await enter(support, see);
    await support.page.goto("/desk");
    await see("desk", support);
    await press(support, "Open the card");
    assert.equal((await support.answer()).status, 422, "no card without a reason");
    await see("desk-errors", support);
    await lookUp(support, member.email, reason);
    await says(support, "Walker-Stride", member.email, reason);
    await see("member-card", support);
    await support.page.goto("/desk/staff");
    assert.equal((await support.answer()).status, 404, "the support desk gives no roles");
  });

  await step("the owner sees who works here, and no member", async () => {
    await enter(owner);
    await owner.page.goto("/desk/staff");
    await says(owner, "sam@example.test");
    assert.ok(!(await owner.page.content()).includes(member.email));
    await see("desk-staff", owner);
  });

  await step("the person sees that look and its reason", async () => {
    await member.page.goto("/sign-in");
    await signIn(member, member.email, member.password);
    await member.page.goto("/account/data");
    await says(member, "Our support desk looked at your", reason);
    await see("account-data-looked-at", member);
    await press(member, "Sign out");
  });

  await step("the membership ends, and the account is switched off", async () => {
    await lookUp(support, member.email, reason);
    await support.page.locator("button[value=expire]").click();
    assert.match(await support.page.getByRole("status").innerText(), /membership (has )?ended/i);
    await moveClock(owner, "One day on", 1);
    await member.page.goto("/sign-in");
    await signIn(member, member.email, member.password);
    assert.equal(path(member), "/account/switched-off");
    await heading(member, "Your account is switched off");
    await see("switched-off", member);
    await follow(member, "My data");
    await says(member, "Walker-Stride");
    await see("switched-off-data", member);
    await member.page.goto("/account/close");
    await see("switched-off-close", member);
    await press(member, "Sign out");
  });

  const before = await board(member);
  await step("six months later the person is gone", async () => {
    await moveClock(owner, "Six months on", 184);
    await member.page.goto("/sign-in");
    await signIn(member, member.email, member.password);
    assert.equal((await member.answer()).status, 422);
    await says(member, "This address and password do not match");
    await mailbox(member);
    await says(member, "Nothing here.");
    await enter(support);
    await lookUp(support, member.email, reason);
    assert.equal((await support.answer()).status, 404, "the desk finds nobody");
    await says(support, "Nobody with this address has an account");
  });

  await step("and the board shows it", async () => {
    const after = await board(member);
    assert.ok(after > before, `retain.lapsed was kept ${before} times before, ${after} times after`);
    await see("kept-after", member);
  });

  await step("who comes back signs up anew, and names the former member id (acc-12)", async () => {
    await joins(member);
    await member.page.goto("/sign-in");
    await signIn(member, member.email, member.password);
    assert.notEqual(await memberId(member), former);
    await member.page.goto("/account");
    await follow(member, "I was a member before");
    await see("return", member);
    await press(member, "Ask for my earlier membership");
    assert.equal((await member.answer()).status, 422);
    await see("return-errors", member);
    await fill(member, "Former member id", "M-NOBODY");
    await press(member, "Ask for my earlier membership");
    await says(member, "You asked on");
    await see("return-waiting", member);
  });

  await step("the desk joins nothing to a number that nobody had", async () => {
    await opensReturn(support, "has signed up again");
    await says(support, "M-NOBODY", "No earlier membership has this number.");
    await see("return-card-nobody", support);
    await fill(support, "Why you decide so", "There is no such number: look for an old certificate.");
    await press(support, "Do not join it");
    await says(support, "Nobody waits for a decision.");
    await see("returns-none", support);
    await member.page.goto("/account/return");
    await says(member, "We could not make sure that the earlier membership was yours.");
    await see("return-refused", member);
  });

  await step("and joins what is kept under one that was theirs", async () => {
    await fill(member, "Former member id", former);
    await press(member, "Ask for my earlier membership");
    await support.page.goto("/desk/returns");
    await see("returns", support);
    await press(support, "Open the card");
    assert.equal((await support.answer()).status, 422, "not without a reason");
    await see("returns-errors", support);
    await opensReturn(support, "has called, and named a course");
    await says(support, former, member.email);
    await see("return-card", support);
    await press(support, "Join it to this account");
    assert.equal((await support.answer()).status, 422, "not without a reason");
    await says(support, "Fill in “Why you decide so”.");
    await see("return-card-errors", support);
    await fill(support, "Why you decide so", "You named the course of last year.");
    await press(support, "Join it to this account");
    await member.page.goto("/account/return");
    await says(member, "is joined to this account");
    await see("return-joined", member);
    assert.equal(await memberId(member), former);
    await mailbox(member);
    await says(member, "your member id is the former one");
  });

  await step("a page that is not there says so", async () => {
    await member.page.goto("/nowhere");
    assert.equal((await member.answer()).status, 404);
    await see("not-found", member);
  });
});

async function memberId(who) {
  await who.page.goto("/account");
  return /Member id\s+(\S+)/.exec(await who.page.locator("main").innerText())[1];
}

/** Opens the card of who waits the longest for an earlier membership. */
async function opensReturn(who, reason) {
  await who.page.goto("/desk");
  await follow(who, "Who says that they were a member before");
  await fill(who, "Reason", reason);
  await press(who, "Open the card");
}

async function lookUp(who, email, reason) {
  await who.page.goto("/desk");
  await fill(who, "E-mail address", email);
  await fill(who, "Reason", reason);
  await press(who, "Open the card");
}

/** Reads the public board, where nothing may be broken. Returns how often the lapsed were erased so far. */
async function board(who) {
  await who.page.goto("/notice/kept");
  assert.ok(!(await who.page.locator("main").innerText()).includes("Erasing is paused"), "no brake is on");
  const sentences = who.page.locator("section.sentence");
  assert.ok((await sentences.count()) > 20, "the board has its sentences");
  assert.deepEqual(await sentences.filter({ has: who.page.locator(".broken") }).allInnerTexts(), []);
  const lapsed = await who.page.locator("[id='retain.lapsed']").innerText();
  return Number(/Counted ([\d,]+)/.exec(lapsed)?.[1].replaceAll(",", ""));
}
