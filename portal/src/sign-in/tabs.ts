// A sign-in in one tab of this browser lets another one, whose access has ended, go on with what was typed there.
// The channel reaches pages of the same origin alone, and keeps nothing. A window that asks its opener would not work:
// the portal's pages are cut off from windows of other origins, of which the identity provider's page is one.
const CHANNEL = "prism-sign-in";
/** Says, in the address, that a tab was opened to sign in for another one. */
const RENEWAL = "sign-in";
/** How long a tab waits for one that takes over its access, in milliseconds. */
const PATIENCE_MS = 3000;

/** What a tab hands over: the token, or what it has from the identity provider. */
export interface Access {
  token?: string;
  provider?: string;
}

type Message = { id: string } & ({ offer: Access } | { taken: true });

const channel = new BroadcastChannel(CHANNEL);

export const renewal = () => `/?${RENEWAL}=again`;
export const isRenewal = () => new URLSearchParams(location.search).has(RENEWAL);

/** Offers this tab's access to the others, and says whether one of them took it. */
export function hand(access: Access): Promise<boolean> {
  const id = crypto.randomUUID();
  return new Promise((done) => {
    const answered = ({ data }: MessageEvent<Message>) => {
      if (data.id === id && "taken" in data) end(true);
    };
    const end = (taken: boolean) => {
      clearTimeout(timer);
      channel.removeEventListener("message", answered);
      done(taken);
    };
    const timer = setTimeout(end, PATIENCE_MS, false);
    channel.addEventListener("message", answered);
    channel.postMessage({ id, offer: access } satisfies Message);
  });
}

/** Listens to what other tabs offer; `take` says whether this one takes it. */
export function announced(take: (access: Access) => Promise<boolean>): void {
  channel.addEventListener("message", async ({ data }: MessageEvent<Message>) => {
    if (!("offer" in data)) return;
    // What cannot be checked is not taken: the user is asked as before.
    const taken = await take(data.offer).catch(() => false);
    if (taken) channel.postMessage({ id: data.id, taken: true } satisfies Message);
  });
}
