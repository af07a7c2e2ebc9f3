// Who changed what: the list of events, for the page of all and for those of one resource.
import { api, type Schemas } from "../../api/client";
import { Card, Empty, Loading } from "../../parts/card";
import { Name } from "../../parts/name";
import { ProblemNote } from "../../parts/note";
import { usePages } from "../../parts/pages";
import { at } from "../../parts/place";
import { Table, type Column } from "../../parts/table";
import { Button } from "../../parts/button";
import { text } from "../../text";
import { count, moment, zone } from "../../text/format";

type Event = Schemas["AuditEvent"];

export interface Filter {
  resource?: string;
  project?: string;
  user?: string;
  from?: string;
  until?: string;
}

/** How many pages are read without being asked. A page of a filtered list may be short, or empty. */
const PAGES = 2;

export function History(filter: Filter) {
  const key = JSON.stringify(filter);
  const found = usePages<Event>(`audit:${key}`, (cursor, signal) => api.GET("/v1/audit", { params: { query: { ...filter, cursor, limit: 50 } }, signal }), PAGES);
  const more = found.more && <><span>{text.list.earlier(count(found.items.length))}</span><Button kind="quiet" onPress={found.next}>{text.list.more}</Button></>;
  return (
    <>
      {found.problem && <ProblemNote problem={found.problem} again={found.next} />}
      {found.empty && !found.problem && <Loading what={text.audit.loading} />}
      {!found.empty && found.items.length === 0 && !found.reading && <Empty title={text.audit.empty} why={text.audit.emptyWhy}>{found.more && <Button onPress={found.next}>{text.audit.lookOn}</Button>}</Empty>}
      {found.items.length > 0 && (
        <Card title={text.audit.events} end={<p>{text.timesIn(zone)}</p>} bare foot={more}>
          <Table caption={text.audit.events} columns={columns} rows={found.items.map((event, index) => ({ event, index }))} id={({ index }) => String(index)} class="is-3 is-log" />
        </Card>
      )}
    </>
  );
}

const columns: Column<{ event: Event; index: number }>[] = [
  { label: text.audit.when, cell: ({ event }) => <span class="keep">{moment(event.at)}</span> },
  { label: text.audit.who, cell: ({ event }) => <Name mono={false}>{event.user}</Name> },
  { label: text.audit.what, cell: ({ event }) => <>{(text.audit.actions as Record<string, string>)[event.action] ?? event.action}<Code action={event.action} /></> },
  { label: text.audit.resource, cell: ({ event }) => <Resource subject={event.resource} /> },
  { label: text.audit.details, row: true, cell: ({ event }) => Object.keys(event.details ?? {}).length > 0 && <Details event={event} /> },
  { label: text.audit.origin, cell: ({ event }) => <Origin event={event} /> },
];

/** The code of an action, in two lines where one is too long. */
function Code({ action }: { action: string }) {
  const [first, ...rest] = action.split(".");
  return <span class="sub mono">{first}{rest.length > 0 && <>.<wbr />{rest.join(".")}</>}</span>;
}

/** A resource, with its page if it has one. */
function Resource({ subject }: { subject: string }) {
  const colon = subject.indexOf(":");
  const [kind, name] = [subject.slice(0, colon), subject.slice(colon + 1)];
  const folder = { template: "templates", project: "projects", save: "saves", schedule: "schedules" }[kind];
  return <>{folder ? <a href={at(folder, name)}><Name>{name}</Name></a> : <Name>{name}</Name>}<span class="sub">{(text.audit.kinds as Record<string, string>)[kind] ?? kind}</span></>;
}

function Details({ event: { details } }: { event: Event }) {
  return <>{Object.entries(details ?? {}).map(([name, value]) => <span class="sub" key={name}>{spaced(name)}: <bdi>{shown(value)}</bdi></span>)}</>;
}

const spaced = (name: string) => name.replaceAll("_", " ");

/** A value of any shape, as the event has it. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return value.length > 0 ? value.map(shown).join(", ") : text.audit.none;
  if (value !== null && typeof value === "object") return Object.entries(value).map(([name, one]) => `${spaced(name)} ${shown(one)}`).join("; ");
  return String(value);
}

function Origin({ event: { origin } }: { event: Event }) {
  if (!origin) return <span class="quiet">{text.unknown}</span>;
  return <>{text.audit.channels[origin.channel ?? "unknown"]}{origin.address && <span class="sub"><Name>{origin.address}</Name></span>}</>;
}
