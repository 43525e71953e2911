// The education provider's people who come from elsewhere, and those who work there, where addresses carry the sessions: a
// customer who was taken over from another system comes for the first time (use-15), support helps one who cannot sign in,
// with a permission that is on record (acc-9), and an owner gives a role.
//
//     node journeys/desk.mjs URL [--shots DIR]
//
// URL is that of a running example (`kept demo cpe`) that is new. Exit 0, or 1 with what was found.

import assert from "node:assert/strict";
import { fill, follow, heading, path, press, says, step } from "./acts.mjs";
import { journey } from "./journey.mjs";
import { enter, letter, mailbox, signIn } from "./people.mjs";

const LICENCE = "CPA-2041-77";
const REASON = "has called: the new password is forgotten";

await journey("desk.mjs", async ({ see, refuser }) => {
  const iris = await refuser({ email: "iris@example.test", password: "seven lanterns under quiet snow" });
  const sam = await refuser({ email: "sam@example.test" });
  const olive = await refuser({ email: "olive@example.test" });

  await step("who was taken over reads a letter, and where the data is from", async () => {
    await mailbox(iris);
    await says(iris, "You have an account with us", "the register of customers that we kept before this site");
    await see("invitation", iris);
  });

  await step("no password is there to sign in with", async () => {
    await iris.page.goto("/sign-in");
    await signIn(iris, iris.email, iris.password);
    assert.equal((await iris.answer()).status, 422);
  });

  await step("its link leads to a first password", async () => {
    await letter(iris, "/forgotten");
    await see("invited-forgotten", iris);
    await fill(iris, "E-mail address", iris.email);
    await press(iris, "Send me a message");
    await heading(iris, "Check your mail");
    await letter(iris, "/recover/");
    await see("invited-choose", iris);
    await fill(iris, "New password", iris.password);
    await press(iris, "Set this password");
    await see("invited-chosen", iris);
  });

  await step("and into the account, which says what came from where, and why it stays", async () => {
    await follow(iris, "Sign in");
    await signIn(iris, iris.email, iris.password);
    assert.equal(path(iris), "/account");
    await see("invited-account", iris);
    await follow(iris, "My data");
    await says(iris, "the register of customers that we kept before this site", "Erased when you close your account");
    await see("invited-data", iris);
  });

  await step("gives a licence number, to be known by when calling", async () => {
    await follow(iris, "My account");
    await follow(iris, "Licence number");
    await press(iris, "Save it");
    assert.equal((await iris.answer()).status, 422);
    await see("licence-errors", iris);
    await fill(iris, "Licence number", LICENCE);
    await press(iris, "Save it");
    await says(iris, LICENCE);
    await see("licence", iris);
    await press(iris, "Sign out");
  });

  await step("support enters, and looks at nobody without a reason and the permission", async () => {
    await enter(sam, see);
    await follow(sam, "Desk");
    await see("desk", sam);
    await press(sam, "Open the card");
    assert.equal((await sam.answer()).status, 422);
    await see("desk-errors", sam);
    await fill(sam, "E-mail address", iris.email);
    await fill(sam, "Reason", REASON);
    await press(sam, "Open the card");
    assert.equal((await sam.answer()).status, 422, "not without the permission");
    await sam.page.getByRole("checkbox").check();
    await press(sam, "Open the card");
    await says(sam, "Iris Inkwell", iris.email, REASON);
    await see("card", sam);
  });

  await step("makes sure who calls, by a number that is compared and not shown", async () => {
    await fill(sam, "Licence number", "CPA-0000");
    await press(sam, "Compare it");
    await says(sam, "This is not the licence number that we hold.");
    await see("card-another", sam);
    await fill(sam, "Licence number", LICENCE.toLowerCase());
    await press(sam, "Compare it");
    await says(sam, "This is the licence number that we hold.");
    assert.ok(!(await sam.page.content()).includes(LICENCE));
    await see("card-same", sam);
  });

  await step("and sends a link, once the person allows it", async () => {
    await press(sam, "Send a link to a new password");
    assert.equal((await sam.answer()).status, 422, "not without the permission");
    await see("card-errors", sam);
    await sam.page.getByRole("checkbox").check();
    await press(sam, "Send a link to a new password");
    await says(sam, "A message with the link is on its way");
    await see("desk-done", sam);
    await sam.page.reload();
    await heading(sam, "Desk");
    await press(sam, "Sign out");
  });

  await step("the person gets in again, and reads who looked, why, and with what permission", async () => {
    await letter(iris, "/recover/");
    iris.password = "one more lantern under the bridge";
    await fill(iris, "New password", iris.password);
    await press(iris, "Set this password");
    await follow(iris, "Sign in");
    await signIn(iris, iris.email, iris.password);
    await follow(iris, "My data");
    await follow(iris, "all of them");
    await says(iris, REASON, "help with signing in, with your permission");
    await see("trail", iris);
  });

  await step("an owner gives a role, and ends it", async () => {
    await enter(olive);
    await follow(olive, "Desk");
    await see("desk-owner", olive);
    await follow(olive, "Give and end roles");
    await press(olive, "Make them support");
    assert.equal((await olive.answer()).status, 422);
    await see("staff-errors", olive);
    await fill(olive, "E-mail address", iris.email);
    await press(olive, "Make them support");
    await says(olive, iris.email);
    await see("staff", olive);
    await olive.page.getByRole("row").filter({ hasText: iris.email }).getByRole("button", { name: "End" }).click();
    assert.ok(!(await olive.page.locator("main").innerText()).includes(iris.email));
  });

  await step("one owner proposes another, and takes it back", async () => {
    await fill(olive, "E-mail address", iris.email);
    await press(olive, "Propose them as owner");
    assert.equal(path(olive), "/desk/proposals");
    await see("proposals", olive);
    await press(olive, "Take it back");
    await says(olive, "Nothing waits.");
  });

  await step("and no cookie was left with anybody", async () => {
    for (const who of [iris, sam, olive]) assert.deepEqual(await who.context.cookies(), []);
  });
});
