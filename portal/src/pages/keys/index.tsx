// The user's public SSH keys: which there are, and adding and removing them.
import { useSignal } from "@preact/signals";
import { api, ask } from "../../api/client";
import { Button } from "../../parts/button";
import { Card, Empty, Head } from "../../parts/card";
import { Confirm } from "../../parts/confirm";
import { AddKey } from "../../parts/keys/add";
import { type Key, useKeys } from "../../parts/keys/data";
import { Name } from "../../parts/name";
import { Loaded } from "../../parts/note";
import { Table, type Column } from "../../parts/table";
import { text } from "../../text";
import { moment } from "../../text/format";

const words = text.keys;

export function Keys() {
  const keys = useKeys();
  const adding = useSignal(false);
  const removing = useSignal<Key | undefined>(undefined);
  const add = <Button kind="primary" onPress={() => { adding.value = true; }}>{words.add}</Button>;
  const columns: Column<Key>[] = [
    { label: words.name, cell: (key) => <><Name mono={false}>{named(key)}</Name><span class="sub">{key.type}</span></> },
    { label: words.fingerprint, row: true, cell: (key) => <Name>{key.fingerprint}</Name> },
    { label: words.since, num: true, cell: (key) => moment(key.added_at) },
    { label: text.actions, acts: true, cell: (key) => <Button kind="quiet" label={words.removeOf(named(key))} onPress={() => { removing.value = key; }}>{words.remove}</Button> },
  ];
  return (
    <>
      <Head title={words.title} lede={words.lede}>{add}</Head>
      <Loaded live={keys} what={words.loading}>{(found) => (found.length === 0
        ? <Empty title={words.empty} why={words.emptyWhy} />
        : <Card title={words.title} bare><Table caption={words.title} columns={columns} rows={found} id={(key) => key.fingerprint} /></Card>
      )}</Loaded>
      {adding.value && <AddKey onClose={() => { adding.value = false; }} onDone={keys.again} />}
      {removing.value && <RemoveKey of={removing.value} onClose={() => { removing.value = undefined; }} onDone={keys.again} />}
    </>
  );
}

const named = (key: Key) => key.comment || key.fingerprint;

function RemoveKey({ of: key, onClose, onDone }: { of: Key; onClose: () => void; onDone: () => void }) {
  return (
    <Confirm
      title={<>{words.removing} <Name mono={false}>{named(key)}</Name></>}
      label={words.removeIt}
      done={words.removed(named(key))}
      danger
      act={() => ask(api.DELETE("/v1/keys/{fingerprint}", { params: { path: { fingerprint: key.fingerprint } } }))}
      onClose={onClose}
      onDone={onDone}
    >
      {() => <p>{words.stays}</p>}
    </Confirm>
  );
}
