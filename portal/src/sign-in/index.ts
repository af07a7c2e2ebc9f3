// Who uses the portal. The token is in this module's memory alone: never in storage, in a query, or in a log.
import { signal } from "@preact/signals";
import type { components } from "../api/schema";
import type { Provider } from "./oidc";
import { type Access, announced, hand, isRenewal, renewal } from "./tabs";

/** The portal waits for a sign-in, has none, or has one; `user` is empty until the API has named the user. */
export type Who =
  | { state: "asking" }
  | { state: "handed" }
  | { state: "out"; why: "no_token" | "refused" | "failed"; detail?: string; again?: () => void }
  | { state: "in"; user: string };

export const who = signal<Who>({ state: "asking" });
/** Whether somebody is who uses the portal. */
export const isMe = (user: string) => who.value.state === "in" && who.value.user === user;
/** The access of a user at work has ended. The page stays as it is, and its requests wait for the next sign-in. */
export const ended = signal<"no" | "asked" | "put off">("no");
/** Changes when somebody else signs in: nothing of the user before may stay. */
export const session = signal(0);

let token = "";
let provider: Provider | undefined;
/** Whether there is an identity provider that could be asked again. */
let canAsk = false;
/** Requests that wait for the next sign-in. */
let waiting: { go: () => void; stop: (why: unknown) => void }[] = [];

/** The token for the next request, renewed if it is about to end. While the access has ended, this waits. */
export async function bearer(aborted?: AbortSignal): Promise<string> {
  if (ended.value !== "no") {
    ended.value = "asked";
    aborted?.throwIfAborted();
    await new Promise<void>((go, stop) => {
      waiting.push({ go, stop });
      aborted?.addEventListener("abort", () => stop(aborted.reason));
    });
  }
  if (provider) token = await provider.token();
  return token;
}

/** The API refused this token. Says whether the request may be sent again, once `bearer` has another one. */
export function refused(used: string): boolean {
  if (who.value.state !== "in") return false;
  if (used !== token) return true;
  if (!who.value.user) {
    signOut("refused");
    return false;
  }
  ended.value = "asked";
  return true;
}

/** Ends the session in this tab: the next sign-in begins from the start. */
export function signOut(why: "no_token" | "refused" = "no_token"): void {
  token = "";
  provider = undefined;
  ended.value = "no";
  leave();
  who.value = { state: "out", why, again: canAsk ? () => void signIn() : undefined };
}

/** Whether the access came from `prism local serve`, and not from an identity provider. */
export const isLocal = () => token !== "" && !provider;

/** What waits for a sign-in of the user before is not done by another one. */
function leave(): void {
  for (const { stop } of waiting) stop(new Error("Somebody else has signed in, or nobody."));
  waiting = [];
}

/** Signs in again beside this page, which goes on when that has worked. Absent if no identity provider can be asked. */
export function signInAgain(): (() => void) | undefined {
  return canAsk ? () => void window.open(renewal(), "_blank") : undefined;
}

/** Signs in with what the address has, or with the deployment's identity provider. */
export async function signIn(): Promise<void> {
  try {
    token = takeFragment() || token;
    // Pages read their data while the API names the user.
    if (token) who.value = { state: "in", user: "" };
    else provider = await fromIssuer();
    if (!token && !provider) return signOut();
    const user = await userOf(await bearer());
    if (user === undefined) return signOut("refused");
    if (provider && isRenewal()) {
      history.replaceState(null, "", "/");
      const taken = await hand({ provider: await provider.whole() });
      if (taken) who.value = { state: "handed" };
      if (taken) return window.close();
    }
    who.value = { state: "in", user };
    if (!provider) await hand({ token });
  } catch (error) {
    who.value = { state: "out", why: "failed", detail: String(error), again: () => void signIn() };
  }
}

/** Somebody has signed in: in another tab of this browser, or by an address with a token in this one. */
async function takeOver(access: Access): Promise<boolean> {
  if (ended.value === "no" || who.value.state !== "in") return false;
  const next = access.provider ? await provider?.take(access.provider) : access.token;
  const user = next && (await userOf(next));
  if (!next || !user) return false;
  if (user !== who.value.user) {
    session.value += 1;
    leave();
  }
  token = next;
  who.value = { state: "in", user };
  ended.value = "no";
  for (const { go } of waiting) go();
  waiting = [];
  return true;
}
announced(takeOver);
addEventListener("hashchange", () => {
  const found = takeFragment();
  if (!found) return;
  if (ended.value !== "no") return void takeOver({ token: found });
  token = found;
  session.value += 1;
  leave();
  void signIn();
});

/** The user of a token; undefined if the API refuses it. */
async function userOf(bearer: string): Promise<string | undefined> {
  const response = await fetch("/v1/me", { headers: { authorization: `Bearer ${bearer}` } });
  if (response.status === 401) return undefined;
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return String((await response.json()).user);
}

/** Takes the token of `prism local serve` out of the address, so that neither the history nor a copied URL has it. */
function takeFragment(): string {
  const parts = new URLSearchParams(location.hash.slice(1));
  const found = parts.get("token");
  if (!found) return "";
  parts.delete("token");
  const rest = parts.toString();
  history.replaceState(null, "", location.pathname + location.search + (rest && `#${rest}`));
  return found;
}

/** Signs in by OpenID Connect if the deployment names an issuer. The library is loaded only then. */
async function fromIssuer(): Promise<Provider | undefined> {
  const response = await fetch("/v1/config");
  if (!response.ok) return undefined;
  const config = (await response.json()) as components["schemas"]["PublicConfig"];
  if (!config.sign_in) return undefined;
  canAsk = true;
  const { begin } = await import("./oidc");
  return begin(config.sign_in);
}
