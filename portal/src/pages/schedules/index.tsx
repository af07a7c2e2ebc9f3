// The reader's schedules: what is saved when, and what came of it; as a list and as a calendar.
import { useSignal } from "@preact/signals";
import { all, api, type Schemas } from "../../api/client";
import { useLive } from "../../api/live";
import { Button } from "../../parts/button";
import { Card, Empty, Head } from "../../parts/card";
import { Name } from "../../parts/name";
import { Loaded } from "../../parts/note";
import { at } from "../../parts/place";
import { stepOf, useAgain, useRunning } from "../../parts/running";
import { Table, type Column } from "../../parts/table";
import { text } from "../../text";
import { moment, zone } from "../../text/format";
import { Calendar } from "./calendar";
import { pauseOf } from "./data";
import { ScheduleForm } from "./form";
import { RunBadge, ScheduleBadge } from "./state";
import { Cadence } from "./words";

type Schedule = Schemas["ScheduleView"];

const columns: Column<Schedule>[] = [
  { label: text.schedules.name, cell: (one) => <a href={at("schedules", one.name)}><Name>{one.name}</Name></a> },
  { label: text.schedules.saves, cell: (one) => <><Name>{one.request.instance}</Name><span class="sub">{text.schedules.as}<a href={at("templates", one.request.template)}><Name>{one.request.template}</Name></a></span></> },
  { label: text.schedules.when, cell: (one) => <Cadence schedule={one} /> },
  { label: text.schedules.state, cell: (one) => <ScheduleBadge schedule={one} /> },
  { label: text.schedules.next, cell: (one) => (one.next_run ? <span class="keep">{moment(one.next_run)}</span> : <span class="quiet">{text.schedules.notDue}</span>) },
  { label: text.schedules.last, cell: (one) => <><RunBadge run={one.runs[0]} />{one.runs[0] && <span class="sub">{moment(one.runs[0].began_at)}</span>}{one.missed > 0 && <span class="sub text-warn">{text.schedules.missed(one.missed)}</span>}</> },
];

export function Schedules() {
  const making = useSignal(false);
  const schedules = useLive("schedules", (signal) => all((cursor) => api.GET("/v1/schedules", { params: { query: { cursor, limit: 100 } }, signal })), pauseOf);
  useAgain(schedules.again, useRunning().data?.items, (save) => (save.schedule ? stepOf(save) : ""));
  const make = () => { making.value = true; };
  return (
    <>
      <Head title={text.schedules.title} lede={text.schedules.lede}><Button kind="primary" onPress={make}>{text.schedules.make}</Button></Head>
      <Loaded live={schedules} what={text.schedules.loading}>{(found) => (found.length === 0
        ? <Empty title={text.schedules.empty} why={text.schedules.emptyWhy}><Button onPress={make}>{text.schedules.make}</Button></Empty>
        : (
          <>
            <Card title={text.schedules.title} end={<p>{text.timesIn(zone)}</p>} bare><Table caption={text.schedules.title} columns={columns} rows={found} id={(one) => one.name} /></Card>
            <Calendar schedules={found} />
          </>
        ))}
      </Loaded>
      {making.value && <ScheduleForm onClose={() => { making.value = false; }} onDone={schedules.again} />}
    </>
  );
}
