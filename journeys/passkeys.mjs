// Passkeys in a real browser, with JavaScript on and a device that the browser itself plays (the DevTools protocol's
// WebAuthn domain): somebody who works here adds one, signs in with it, and removes it. And what the pages say where
// JavaScript is off.
//
//     node journeys/passkeys.mjs URL [--shots DIR]
//
// URL is that of a running example whose address is a name (`kept demo trainers --listen localhost:8080`, or `cpe`, whose
// addresses carry the session, so that every page is reached by links). Exit 0, or 1 with what was found.

import assert from "node:assert/strict";
import { fill, follow, press, step } from "./acts.mjs";
import { journey } from "./journey.mjs";
import { enter } from "./people.mjs";

await journey("passkeys.mjs", async ({ see, someone }) => {
  const sam = await someone({ email: "sam@example.test" }, { javaScriptEnabled: true });
  const device = await authenticator(sam);
  await enter(sam);

  await step("a passkey is made", async () => {
    await follow(sam, "Passkeys");
    await see("passkeys-none", sam);
    await press(sam, "Add a passkey");
    await see("passkeys-errors", sam);
    await fill(sam, "Name of the passkey", "Key ring");
    await fill(sam, "Your password", sam.password);
    await press(sam, "Add a passkey");
    await comesTo(sam, "Make the passkey");
    await see("passkey-make", sam);
    assert.equal(await sam.page.locator("[data-passkey-unable]").isVisible(), false, "this browser can");
    await device.refuse();
    await press(sam, "Make the passkey");
    await sam.page.getByText("No passkey was made.").waitFor();
    await device.allow();
    await press(sam, "Make the passkey");
    await sam.page.waitForURL("**/account/passkeys");
    await shows(sam, "Key ring", "not yet");
    assert.equal((await device.all()).length, 1);
    await see("passkeys-one", sam);
  });

  await step("the same device is not asked for a second", async () => {
    await fill(sam, "Name of the passkey", "Again");
    await fill(sam, "Your password", sam.password);
    await press(sam, "Add a passkey");
    await press(sam, "Make the passkey");
    await sam.page.getByText("This device has a passkey for your account already.").waitFor();
  });

  await step("it signs in, and opens the desk", async () => {
    await follow(sam, "My account");
    await press(sam, "Sign out of this browser");
    await sam.page.goto("/sign-in");
    await see("passkey-sign-in-form", sam);
    await press(sam, "Sign in with a passkey");
    await sam.page.waitForURL("**/account");
    await follow(sam, "Desk");
    await comesTo(sam, "Desk");
    await goes(sam, "Passkeys");
    await shows(sam, "Key ring");
    assert.ok(!(await sam.page.locator("main").innerText()).includes("not yet"), "it has been used");
    await goes(sam, "What was done with your data");
    await shows(sam, "You signed in with a passkey");
    await follow(sam, "My data");
    await shows(sam, "A passkey named “Key ring”");
    await goes(sam, "Somebody may know your password");
    await shows(sam, "Your passkeys stay");
    await see("compromised-with-passkeys", sam);
  });

  await step("without JavaScript the pages say so, and the password works", async () => {
    const plain = await someone();
    await plain.page.goto("/sign-in");
    await press(plain, "Sign in with a passkey");
    await comesTo(plain, "Sign in with a passkey");
    await shows(plain, "Passkeys need a browser that knows them, with JavaScript on.");
    assert.equal(await plain.page.getByRole("button", { name: "Use my passkey" }).count(), 0);
    await see("passkey-sign-in", plain);
    await plain.page.getByRole("link", { name: "Sign in with your password instead" }).click();
    await comesTo(plain, "Sign in");
    await plain.context.close();
  });

  await step("a device that is refused says so, and a removed passkey opens nothing", async () => {
    await goes(sam, "Passkeys");
    await press(sam, "Remove Key ring");
    await comesTo(sam, "Remove a passkey");
    await see("passkey-remove", sam);
    await fill(sam, "Your password", sam.password);
    await press(sam, "Remove this passkey");
    await shows(sam, "You have none.");
    await follow(sam, "My account");
    await press(sam, "Sign out of this browser");
    await sam.page.goto("/sign-in");
    await press(sam, "Sign in with a passkey");
    await comesTo(sam, "This passkey did not sign you in");
    await see("passkey-refused", sam);
    await device.refuse();
    await sam.page.goto("/sign-in");
    await press(sam, "Sign in with a passkey");
    await sam.page.getByText("No passkey was used.").waitFor();
  });
});

/** The device of somebody's browser: it has a finger on it, until it is told to refuse. */
async function authenticator(who) {
  const devtools = await who.context.newCDPSession(who.page);
  await devtools.send("WebAuthn.enable");
  const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
    },
  });
  const verified = (isUserVerified) =>
    devtools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified });
  return {
    refuse: () => verified(false),
    allow: () => verified(true),
    all: async () => (await devtools.send("WebAuthn.getCredentials", { authenticatorId })).credentials,
  };
}

/** Goes to a page of one's own by the links that lead there. */
async function goes(who, link) {
  await follow(who, "My account");
  await comesTo(who, "My account");
  await follow(who, link);
}

/** Waits until a page of this heading is there: what a script sends takes its time. */
async function comesTo(who, text) {
  await who.page.getByRole("heading", { level: 1, name: text, exact: true }).waitFor();
}

async function shows(who, ...texts) {
  for (const text of texts) await who.page.getByRole("main").getByText(text).first().waitFor();
}
