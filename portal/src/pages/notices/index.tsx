// What the reader is notified of, and how: by e-mail, by a webhook, and on the desktop.
import { useSignal } from "@preact/signals";
import { api, ask } from "../../api/client";
import { CALM, SOON, useLive } from "../../api/live";
import { Head } from "../../parts/card";
import { Loaded, Note } from "../../parts/note";
import { text } from "../../text";
import { Choice } from "./choice";
import { type Change, fate, notify, type Sent, type View } from "./data";
import { Doing, type What } from "./doing";
import { Ways } from "./ways";

/** How long the page asks often whether a test has arrived, in milliseconds. Afterwards it is seen a little later. */
const PATIENCE_MS = 60_000;

export function Notices() {
  const sent = useSignal<Sent | undefined>(undefined);
  const doing = useSignal<What>("");
  const live = useLive("notices", notify, (view) => (isAwaited(sent.value, view) ? SOON : CALM));
  // Also after a failure: an address is set even if its code could not be sent.
  const change: Change = (body, header) => ask(api.PATCH("/v1/notify", { params: { header }, body })).finally(live.again);
  const begin = (what: What) => { doing.value = what; };
  const test = async () => {
    const before = await notify();
    const { id, channels } = await ask(api.POST("/v1/notify/test", {}));
    sent.value = { id, ways: channels, before, at: Date.now() };
    live.again();
  };
  return (
    <>
      <Head title={text.notices.title} lede={text.notices.lede} />
      <Loaded live={live} what={text.notices.loading}>{(view) => (
        <>
          {!view.webhook && !view.email?.confirmed && <Note tone="warn"><p>{text.notices.nothing}</p></Note>}
          <Ways view={view} sent={sent.value} begin={begin} test={test} />
          <Choice view={view} change={change} />
          <Doing what={doing.value} view={view} begin={begin} change={change} again={live.again} />
        </>
      )}</Loaded>
    </>
  );
}

function isAwaited(sent: Sent | undefined, view: View): boolean {
  return sent !== undefined && Date.now() - sent.at < PATIENCE_MS && sent.ways.some((way) => !fate(sent, view, way));
}
