// All instances of the user, in all Regions.
import { useState } from "preact/hooks";
import { Card, Empty, Head } from "../../parts/card";
import { InstanceTable } from "../../parts/instances/table";
import { find, useInstances } from "../../parts/instances/state";
import { Loaded } from "../../parts/note";
import { Find } from "../../parts/find";
import { useRunning } from "../../parts/running";
import { Unavailable } from "../../parts/instances/unavailable";
import { text } from "../../text";

const words = text.instances;

export function Instances() {
  const instances = useInstances(useRunning().data?.items);
  const [wanted, setWanted] = useState("");
  return (
    <>
      <Head title={words.title} lede={words.lede}><a class="button is-primary" href="/launch">{words.launchOne}</a></Head>
      <Loaded live={instances} what={words.loading}>{({ items, unavailable }) => (
        <>
          <Unavailable regions={unavailable} />
          {items.length === 0
            ? <Empty title={words.empty} why={words.emptyWhy}><a class="button is-primary" href="/launch">{words.launchOne}</a></Empty>
            : (
              <Card title={words.mine} bare end={<Find label={words.find} hint={words.findHint} value={wanted} onValue={setWanted} />}>
                <InstanceTable items={find(items, wanted)} changed={instances.again} />
              </Card>
            )}
        </>
      )}</Loaded>
    </>
  );
}
