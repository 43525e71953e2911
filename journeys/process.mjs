// The process service, whose notice remembers devices, lets accounts rest, and hands out downloads: an account from its
// first page until it is signed out, by somebody without JavaScript; and what who refuses cookies is told.
//
//     node journeys/process.mjs URL [--shots DIR]
//
// URL is that of a running example (`kept demo process`). Exit 0, or 1 with what was found.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fill, heading, path, press, says, step } from "./acts.mjs";
import { journey } from "./journey.mjs";
import { invented, joins, letter, mailbox, moveClock, signIn } from "./people.mjs";

const DEVICE = "kept_device";
const MACHINE = "DESK-7F3A-0042";

await journey("process.mjs", async ({ see, someone, refuser }) => {
  let client = await someone(invented("Clara", "Clientele"));

  await step("reads the notice, and no cookie is left", async () => {
    await client.page.goto("/notice");
    await says(client, "machine ids of installed software", "30 days", "90 days");
    await see("notice", client);
    await client.page.goto("/notice/kept");
    assert.equal(await client.page.locator("section.sentence .broken").count(), 0);
    assert.deepEqual(await client.context.cookies(), []);
  });

  await step("who refuses cookies can read, and is told why there is no account without one", async () => {
    const reader = await refuser();
    for (const page of ["/", "/notice", "/notice/kept", "/notice/uses", "/sign-up", "/sign-in"]) {
      await reader.page.goto(page);
      assert.equal((await reader.answer()).status, 200, page);
    }
    await reader.page.goto("/sign-up");
    await press(reader, "Sign up");
    await heading(reader, "This needs a cookie");
    assert.equal((await reader.answer()).status, 403);
    await says(reader, "You can read every public page without one, but not open an account");
    await see("needs-a-cookie", reader);
    await reader.context.close();
  });

  await step("signs up, and confirms", async () => {
    await joins(client);
  });

  await step("signs in, and asks to be remembered (acc-6)", async () => {
    await client.page.goto("/sign-in");
    await see("sign-in", client);
    await client.page.getByRole("checkbox", { name: "Remember this device for 30 days" }).check();
    await signIn(client, client.email, client.password);
    assert.equal(path(client), "/account");
    await see("account", client);
  });

  await step("closes the browser, comes back, and is known", async () => {
    client = await reopened(client);
    await client.page.goto("/account");
    assert.equal(path(client), "/account");
  });

  await step("sees the devices, and forgets one that is elsewhere", async () => {
    let elsewhere = await someone({ email: client.email, password: client.password });
    await elsewhere.page.goto("/sign-in");
    await elsewhere.page.getByRole("checkbox").check();
    await signIn(elsewhere, elsewhere.email, elsewhere.password);
    await client.page.goto("/account/devices");
    await says(client, "this is the one you are using");
    await see("devices", client);
    const other = client.page.getByRole("row").filter({ hasNotText: "this is the one" }).getByRole("button", { name: "Forget" });
    assert.equal(await other.count(), 1);
    await other.click();
    assert.equal(await client.page.getByRole("button", { name: "Forget" }).count(), 2, "this one, and all");
    elsewhere = await reopened(elsewhere);
    await elsewhere.page.goto("/account");
    assert.equal(path(elsewhere), "/sign-in", "that device is forgotten");
    await elsewhere.context.close();
  });

  await step("registers a machine, and takes it back (acc-18)", async () => {
    await client.page.goto("/account/machines");
    await see("machines", client);
    await fill(client, "Machine id", "not an id");
    await press(client, "Register it");
    assert.equal((await client.answer()).status, 422);
    await see("machines-errors", client);
    for (const id of [MACHINE, "DESK-OF-A-FRIEND"]) {
      await fill(client, "Machine id", id);
      await press(client, "Register it");
    }
    await see("machines-registered", client);
    await client.page.getByRole("button", { name: "Remove DESK-OF-A-FRIEND" }).click();
    await says(client, MACHINE);
    assert.ok(!(await client.page.content()).includes("DESK-OF-A-FRIEND"));
  });

  let link;
  await step("downloads the software by a link of one's own", async () => {
    await client.page.goto("/account/downloads");
    await see("downloads", client);
    const file = client.page.getByRole("row").getByRole("link");
    link = await file.getAttribute("href");
    const coming = client.page.waitForEvent("download");
    await file.click();
    assert.match(readFileSync(await (await coming).path(), "utf8"), /stands for a program/);
  });

  await step("a day later the device is known, and the link has expired", async () => {
    await moveClock(client, "One day on", 1);
    await client.page.goto("/account");
    assert.equal(path(client), "/account", "still remembered");
    await client.page.goto(link);
    assert.equal((await client.answer()).status, 410);
    await heading(client, "This link has expired");
    await see("link-expired", client);
    await client.page.getByRole("main").getByRole("link", { name: "Downloads" }).click();
    await heading(client, "Downloads");
  });

  await step("lets the account rest (acc-15)", async () => {
    await client.page.goto("/account/close");
    await see("close", client);
    await client.page.locator("form").filter({ hasText: "Deactivate" }).getByLabel("Your password").fill(client.password);
    await press(client, "Deactivate my account");
    assert.equal(path(client), "/account-rests");
    await heading(client, "Your account rests");
    await see("account-rests", client);
    await mailbox(client);
    await says(client, "Your account rests: nobody can use it.", "we erase it on");
    client = await reopened(client);
    await client.page.goto("/account");
    assert.equal(path(client), "/sign-in", "nor is the device remembered");
  });

  await step("and returns by signing in", async () => {
    await signIn(client, client.email, client.password);
    assert.equal(path(client), "/account");
    await says(client, client.email);
    await client.page.goto("/account/machines");
    await says(client, MACHINE);
  });

  await step("tells us that somebody may know the password, and has it ended (acc-10)", async () => {
    await client.page.goto("/account/compromised");
    await press(client, "End my password and send me a message");
    assert.equal(path(client), "/password-ended");
    await see("password-ended", client);
    await client.page.goto("/sign-in");
    await signIn(client, client.email, client.password);
    assert.equal((await client.answer()).status, 422, "it opens nothing any more");
    await letter(client, "/recover/");
    client.password = "one more lantern under the bridge";
    await fill(client, "New password", client.password);
    await press(client, "Set this password");
    await heading(client, "Your password is new");
    await client.page.goto("/sign-in");
    await client.page.getByRole("checkbox").check();
    await signIn(client, client.email, client.password);
    assert.equal(path(client), "/account");
  });

  await step("takes everything along, machines and all", async () => {
    await client.page.goto("/account/data");
    await says(client, MACHINE);
    await see("data", client);
    await client.page.goto("/account/export");
    await fill(client, "Your password", client.password);
    const coming = client.page.waitForEvent("download");
    await press(client, "Download my data");
    assert.equal(readFileSync(await (await coming).path()).subarray(0, 2).toString(), "PK");
  });

  await step("signs out, and the device is forgotten", async () => {
    await client.page.goto("/account");
    await press(client, "Sign out");
    await heading(client, "You have signed out");
    assert.ok(!(await client.context.cookies()).some((cookie) => cookie.name.includes(DEVICE)));
    client = await reopened(client);
    await client.page.goto("/account");
    assert.equal(path(client), "/sign-in");
  });

  /** The same browser after it was closed: cookies that end with the browser are gone. */
  async function reopened(who) {
    const cookies = (await who.context.cookies()).filter((cookie) => cookie.expires > 0);
    await who.context.close();
    const again = await someone();
    await again.context.addCookies(cookies);
    return { ...who, ...again };
  }
});
