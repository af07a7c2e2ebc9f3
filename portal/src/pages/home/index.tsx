// What concerns the user now: what failed, saves in progress, instances, schedules and spending.
import { useState } from "preact/hooks";
import { api, ask, type Schemas } from "../../api/client";
import { SOON, useLive } from "../../api/live";
import { Card, Empty, Head } from "../../parts/card";
import { Find } from "../../parts/find";
import { find, isOn, perHour, useInstances, type Instance } from "../../parts/instances/state";
import { InstanceTable } from "../../parts/instances/table";
import { Unavailable } from "../../parts/instances/unavailable";
import { Loaded } from "../../parts/note";
import { useAgain, useRunning } from "../../parts/running";
import { text } from "../../text";
import { money } from "../../text/format";
import { Failed } from "./failed";
import { Running } from "./running";
import { Schedules } from "./schedules";
import { Spending } from "./spending";

const words = text.home;
const OVERVIEW_MS = 15 * SOON;

export function Home() {
  const overview = useLive("overview", (signal) => ask(api.GET("/v1/overview", { signal })), () => OVERVIEW_MS);
  // A save that began elsewhere shows up as soon as the list changes.
  const saves = useRunning().data?.items;
  const instances = useInstances(saves);
  const running = saves ?? overview.data?.saves_in_progress;
  // One that has ended may have failed, and is the last run of a schedule.
  useAgain(overview.again, saves, (save) => save.save_id);
  return (
    <>
      <Head title={words.title} lede={lede(instances.data?.items, running, overview.data)}>
        <a class="button" href="/instances">{words.saveOne}</a>
        <a class="button is-primary" href="/launch">{text.instances.launchOne}</a>
      </Head>
      {overview.data && <Failed saves={overview.data.failed_saves} missed={overview.data.missed_schedules} />}
      {running && running.length > 0 && <Running saves={running} />}
      <Mine instances={instances} />
      <Loaded live={overview} what={words.loading}>{(found) => (
        <div class="l-grid is-6-6 is-even"><Schedules overview={found} /><Spending overview={found} /></div>
      )}</Loaded>
    </>
  );
}

function Mine({ instances }: { instances: ReturnType<typeof useInstances> }) {
  const [wanted, setWanted] = useState("");
  const { data } = instances;
  if (data && data.items.length === 0) {
    return <><Unavailable regions={data.unavailable} /><Empty title={text.instances.empty} why={text.instances.emptyWhy}><a class="button is-primary" href="/launch">{text.instances.launchOne}</a></Empty></>;
  }
  const field = <Find label={text.instances.find} hint={text.instances.findHint} value={wanted} onValue={setWanted} />;
  return (
    <>
      {data && <Unavailable regions={data.unavailable} />}
      <Card title={text.instances.mine} bare end={field}>
        <Loaded live={instances} what={text.instances.loading}>{({ items }) => <InstanceTable items={find(items, wanted)} changed={instances.again} />}</Loaded>
      </Card>
    </>
  );
}

function lede(instances: Instance[] | undefined, running: unknown[] | undefined, overview: Schemas["Overview"] | undefined): string {
  const parts: string[] = [];
  if (instances && instances.length > 0) {
    const cost = perHour(instances);
    parts.push(words.on(instances.filter(isOn).length, instances.length, cost ? money(cost) : ""));
  }
  if (running && running.length > 0) parts.push(words.inProgress(running.length));
  if (overview && overview.failed_saves.length > 0) parts.push(words.failedOf(overview.failed_saves.length));
  return parts.join(" ");
}
