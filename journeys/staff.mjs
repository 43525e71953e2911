// The people who work at the trainers' network: roles given for a time, two owners for what weighs, recovery codes for a
// lost phone, and the desk that decides on a member's document until its last day (acc-2, use-1).
//
//     node journeys/staff.mjs URL [--shots DIR]
//
// URL is that of a running example (`kept demo trainers`) whose clock runs with the machine's. Exit 0, or 1 with what was
// found.

import assert from "node:assert/strict";
import { fill, heading, path, press, says, step } from "./acts.mjs";
import { journey } from "./journey.mjs";
import { enter, invented, joins, mailbox, moveClock, oneTimeCode, signIn, today } from "./people.mjs";

const REASON = "licence for the workshop in May";
const DAY = 86_400_000;

await journey("staff.mjs", async ({ see, someone }) => {
  const owner = await someone({ email: "olive@example.test" });
  const ada = await someone(invented("Ada", "Applicant"));
  const vera = await someone(invented("Vera", "Verifier"));
  const petra = await someone(invented("Petra", "Partner"));
  const now = await today(owner);
  const dated = (days) => new Date(now + days * DAY).toISOString().slice(0, 10);

  await step("three sign up like everybody", async () => {
    for (const who of [ada, vera, petra]) {
      await joins(who);
      await who.page.goto("/sign-in");
      await signIn(who, who.email, who.password);
      assert.equal(path(who), "/account");
    }
  });

  await step("a member hands a document in", async () => {
    await ada.page.goto("/account/documents");
    await says(ada, "Your professional standing is not verified.");
    await see("documents", ada);
    await press(ada, "Hand it in");
    assert.equal((await ada.answer()).status, 422);
    await see("documents-errors", ada);
    await fill(ada, "What it is", "Licence as a physiotherapist");
    const picture = await ada.page.screenshot();
    await ada.page.getByLabel("File").setInputFiles({ name: "licence.png", mimeType: "image/png", buffer: picture });
    await press(ada, "Hand it in");
    assert.equal(path(ada), "/account/documents");
    await says(ada, "Licence as a physiotherapist", "Waits for our decision");
    await see("documents-waiting", ada);
  });

  await step("an owner gives a role until today", async () => {
    await enter(owner);
    await owner.page.goto("/desk/staff");
    await fill(owner, "E-mail address", vera.email);
    await fill(owner, "Last day", dated(-1));
    await press(owner, "Make them verifier");
    assert.equal((await owner.answer()).status, 422, "a last day that is over");
    await see("staff-errors", owner);
    await fill(owner, "E-mail address", vera.email);
    await fill(owner, "Last day", dated(0));
    await press(owner, "Make them verifier");
    await says(owner, vera.email, "verifier until");
    await see("staff-until", owner);
  });

  await step("an owner who is alone proposes another, and it waits a day", async () => {
    await fill(owner, "E-mail address", petra.email);
    await press(owner, "Propose them as owner");
    assert.equal(path(owner), "/desk/proposals");
    await says(owner, "You propose to make somebody an owner", petra.email, "because there was no other owner");
    await see("proposals-alone", owner);
    await owner.page.goto("/desk");
    await see("desk-owner", owner);
  });

  await step("who has a role sets up a second factor before the desk opens", async () => {
    await vera.page.goto("/desk");
    assert.equal(path(vera), "/account/second-factor");
    await see("second-factor-staff", vera);
    await secondFactor(vera);
    await see("recovery-codes", vera);
    await vera.page.getByRole("link", { name: "I have written them down" }).click();
    await heading(vera, "Desk");
    await see("desk-verifier", vera);
    await vera.page.goto("/account/second-factor");
    await says(vera, "You have 10 recovery codes left");
    await see("second-factor-on", vera);
    // Petra does so before she is an owner.
    await petra.page.goto("/account/second-factor");
    await secondFactor(petra);
  });

  await step("without the phone, a recovery code opens the account, once", async () => {
    await press(vera, "Sign out");
    const [code] = vera.codes;
    await withCode(vera);
    await vera.page.goto("/account/second-factor");
    await says(vera, "You have 9 recovery codes left");
    await press(vera, "Sign out");
    vera.codes.unshift(code);
    await vera.page.goto("/sign-in");
    await signIn(vera, vera.email, vera.password);
    await fill(vera, "Code", vera.codes.shift());
    await press(vera, "Sign in with this code");
    assert.equal((await vera.answer()).status, 422, "each works once");
    await see("sign-in-code-errors", vera);
    await fill(vera, "Code", vera.codes.shift());
    await press(vera, "Sign in with this code");
    assert.equal(path(vera), "/account");
  });

  await step("the verification desk opens the document with a reason", async () => {
    await vera.page.goto("/desk/documents");
    await see("queue", vera);
    await vera.page.getByRole("row").getByRole("link").click();
    await says(vera, "The person sees that you opened it");
    await press(vera, "Open the document");
    assert.equal((await vera.answer()).status, 422, "not without a reason");
    await see("document-ask-errors", vera);
    await fill(vera, "Reason", REASON);
    await press(vera, "Open the document");
    await says(vera, "Ada Applicant", "Licence as a physiotherapist");
    await see("document", vera);
    const shown = vera.page.getByAltText("The document that was handed in");
    assert.ok((await shown.evaluate((image) => image.naturalWidth)) > 0, "the picture is there");
  });

  await step("and decides, until a day", async () => {
    await press(vera, "Accept it");
    assert.equal((await vera.answer()).status, 422);
    await see("document-errors", vera);
    await fill(vera, "What the person reads", "Found in the register of physiotherapists.");
    await fill(vera, "Accepted until", dated(0));
    await press(vera, "Accept it");
    assert.equal(path(vera), "/desk/documents");
    await says(vera, "Nothing waits for a decision.");
    await see("queue-empty", vera);
  });

  await step("the member reads the decision, until when it counts, and who looked", async () => {
    await ada.page.goto("/account/documents");
    await says(ada, "Your professional standing is verified until", "Found in the register of physiotherapists.");
    await see("documents-accepted", ada);
    await ada.page.goto("/account/data");
    await says(ada, "Our verification desk looked at your", REASON);
  });

  await step("a day later the role has ended by itself, the standing is over, and there is a second owner", async () => {
    await moveClock(owner, "One day on", 1);
    await withCode(vera);
    await vera.page.goto("/desk/documents");
    assert.equal((await vera.answer()).status, 404);
    await mailbox(vera);
    await says(vera, "Your role verifier has ended");
    await ada.page.goto("/sign-in");
    await signIn(ada, ada.email, ada.password);
    await ada.page.goto("/account/documents");
    await says(ada, "Your professional standing was verified until", "and is not any more.", "Accepted on");
    await see("documents-over", ada);
    await withCode(petra);
    await petra.page.goto("/desk/staff");
    await says(petra, "olive@example.test", petra.email);
    assert.ok(!(await petra.page.locator("main").innerText()).includes(vera.email), "who has no role is not listed");
  });

  await step("of two owners one proposes, and the other confirms", async () => {
    await fill(petra, "E-mail address", ada.email);
    await press(petra, "Propose them as owner");
    await says(petra, "You propose to make somebody an owner", "Nothing happens unless another owner confirms it by");
    assert.equal(await petra.page.getByRole("button", { name: "Confirm it" }).count(), 0, "not by oneself");
    await enter(owner);
    await owner.page.goto("/desk");
    await owner.page.getByRole("link", { name: "Waiting for a second owner: 1" }).click();
    await says(owner, "Petra Partner", "proposes to make somebody an owner: Ada Applicant");
    await see("proposals", owner);
    await press(owner, "Confirm it");
    await says(owner, "Nothing waits.");
    await see("proposals-none", owner);
    await owner.page.goto("/desk/staff");
    await says(owner, ada.email);
  });

  await step("what was proposed can be taken back, and a role be ended", async () => {
    await fill(owner, "E-mail address", vera.email);
    await press(owner, "Propose them as owner");
    await press(owner, "Take it back");
    await says(owner, "Nothing waits.");
    await owner.page.goto("/desk/staff");
    await owner.page.getByRole("row").filter({ hasText: ada.email }).getByRole("button", { name: "End" }).click();
    assert.ok(!(await owner.page.locator("main").innerText()).includes(ada.email));
  });
});

/** Sets an authenticator app up, and writes the recovery codes down. */
async function secondFactor(who) {
  await fill(who, "Your password", who.password);
  await press(who, "Set up a second factor");
  await fill(who, "Code", oneTimeCode(await who.page.locator("main ol code").innerText()));
  await press(who, "Turn the second factor on");
  await heading(who, "Your recovery codes");
  who.codes = await who.page.locator("main li code").allInnerTexts();
  assert.equal(who.codes.length, 10);
}

/** Signs in with the next recovery code. */
async function withCode(who) {
  await who.page.goto("/sign-in");
  await signIn(who, who.email, who.password);
  await fill(who, "Code", who.codes.shift());
  await press(who, "Sign in with this code");
  assert.equal(path(who), "/account");
}
