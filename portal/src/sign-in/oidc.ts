// Authorisation code with PKCE. The tokens stay in memory; only the state of a sign-in that is under way goes to the
// tab's session storage, because the identity provider's page comes between. It contains no token.
import type { components } from "../api/schema";
import { ErrorResponse, OidcClient, User, WebStorageStateStore } from "oidc-client-ts";

/** Renew when the token has fewer seconds left. */
const RENEW_S = 60;
/** How long the provider may take to renew it. */
const PATIENCE_S = 10;

/** What the portal has from an identity provider after a sign-in. */
export interface Provider {
  token: () => Promise<string>;
  /** All of it as text, for another tab that takes it. */
  whole: () => Promise<string>;
  /** Takes what another tab has, and returns the token. */
  take: (whole: string) => Promise<string>;
}

export async function begin(issuer: components["schemas"]["SignIn"]): Promise<Provider> {
  // Without the library's UserManager: its frames, windows and watched sessions are more than half of the library.
  const client = new OidcClient({
    authority: issuer.issuer,
    client_id: issuer.client_id,
    redirect_uri: `${location.origin}/`,
    response_type: "code",
    scope: "openid email",
    loadUserInfo: false,
    stateStore: new WebStorageStateStore({ store: sessionStorage }),
  });
  const query = new URLSearchParams(location.search);
  if (!query.has("state") || !(query.has("code") || query.has("error"))) {
    // With its fragment: a join link has its code there, and would be of no use after the sign-in without it.
    const { url } = await client.createSigninRequest({ request_type: "si:r", state: location.pathname + location.search + location.hash });
    location.assign(url);
    // The browser leaves this page.
    return new Promise(() => {});
  }
  let user = new User(await client.processSigninResponse(location.href).finally(() => history.replaceState(null, "", "/")));
  const back = typeof user.state === "string" && /^\/(?![/\\])/.test(user.state) ? user.state : "/";
  history.replaceState(null, "", back);
  let renewing: Promise<void> | undefined;
  const renew = async (known: User, refresh_token: string) => {
    try {
      user = new User({ ...known, ...(await client.useRefreshToken({ state: { ...known, refresh_token }, timeoutInSeconds: PATIENCE_S })) });
    } catch (error) {
      // The provider's session has ended: the API refuses what is left, and then the user is asked. A provider that
      // cannot be reached is another matter: that may pass.
      if (!(error instanceof ErrorResponse)) throw error;
    } finally {
      renewing = undefined;
    }
  };
  /** What there is, renewed if it is about to end. */
  const fresh = async () => {
    const left = (user.profile.exp ?? 0) - Date.now() / 1000;
    // Without a refresh token only a frame of the provider could renew, which the portal's policy does not allow.
    if (left > RENEW_S || !user.refresh_token) return user;
    // Once for all that ask meanwhile: a provider may take a refresh token a single time, and end the session at the second.
    await (renewing ??= renew(user, user.refresh_token));
    return user;
  };
  const token = async () => {
    const { id_token: found } = await fresh();
    // The API takes the ID token: its audience is the client, and it has the claim that names the user.
    if (!found) throw new Error("The identity provider returned no ID token.");
    return found;
  };
  const whole = async () => (await fresh()).toStorageString();
  const take = (text: string) => {
    user = User.fromStorageString(text);
    return token();
  };
  return { token, whole, take };
}
