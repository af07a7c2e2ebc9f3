// A month of runs: those that were, and those that are due. The list below has the same for those who cannot see it.
import type { Schemas } from "../../api/client";
import { serverNow } from "../../api/clock";
import { Card } from "../../parts/card";
import { Icon, type IconName } from "../../parts/icon";
import { Name } from "../../parts/name";
import { Loaded } from "../../parts/note";
import { at, usePlace } from "../../parts/place";
import { Table, type Column } from "../../parts/table";
import { text } from "../../text";
import { clockOf, moment, monthYear, zone } from "../../text/format";
import { beginOf, byDate, dateOf, isMonth, monthOf, shift, weeks } from "./month";
import { type Entry, useEntries } from "./entries";

/** How many entries a day shows; the list has all. */
const MOST = 3;
const ICONS: Record<Entry["kind"], [IconName, string]> = { due: ["wait", ""], running: ["busy", "is-busy"], succeeded: ["done", "is-ok"], failed: ["bad", "is-bad"], stranded: ["bad", "is-bad"], cancelled: ["idle", ""] };

export function Calendar({ schedules }: { schedules: Schemas["ScheduleView"][] }) {
  const { query, path } = usePlace();
  const month = query.month && isMonth(query.month) ? query.month : monthOf(serverNow());
  const entries = useEntries(schedules, month);
  const link = (by: number) => `${path}?month=${shift(month, by)}`;
  return (
    <Card title={monthYear(beginOf(month))} end={(
      <nav class="l-row" aria-label={text.calendar.label}>
        <a class="button is-quiet" href={link(-1)}>{text.calendar.before}</a>
        <a class="button is-quiet" href={path}>{text.calendar.today}</a>
        <a class="button is-quiet" href={link(1)}>{text.calendar.after}</a>
      </nav>
    )} foot={<><span>{text.calendar.foot}</span><span>{text.timesIn(zone)}</span></>}>
      <Loaded live={entries}>{(found) => (
        <>
          <Month month={month} entries={found} />
          <details class="more"><summary>{text.calendar.asTable(found.length)}</summary><Table caption={text.calendar.caption} columns={columns} rows={found} id={(one) => `${one.schedule}:${one.at}`} class="is-flush is-3" /></details>
        </>
      )}</Loaded>
    </Card>
  );
}

function Month({ month, entries }: { month: string; entries: Entry[] }) {
  const days = byDate(entries, (entry) => entry.at);
  const today = dateOf(serverNow());
  return (
    <table class="month">
      <caption class="hide">{text.calendar.caption}</caption>
      <thead><tr>{text.calendar.weekdays.map(([short, long]) => <th scope="col" key={long}><abbr title={long}>{short}</abbr></th>)}</tr></thead>
      <tbody>{weeks(month).map((week) => (
        <tr key={week[0]!.date}>{week.map((day) => (
          <td key={day.date} class={[!day.within && "is-out", day.date === today && "is-today"].filter(Boolean).join(" ") || undefined}>
            <span class="month-day" aria-current={day.date === today ? "date" : undefined}>{day.day}</span>
            {day.within && <Entries of={days.get(day.date) ?? []} />}
          </td>
        ))}</tr>
      ))}</tbody>
    </table>
  );
}

function Entries({ of }: { of: Entry[] }) {
  if (of.length === 0) return null;
  return (
    <ul class="month-runs">
      {of.slice(0, MOST).map((entry) => {
        const [icon, kind] = ICONS[entry.kind];
        return (
          <li key={`${entry.schedule}:${entry.at}`} class={kind || undefined}>
            <a href={entry.save ? at("saves", entry.save) : at("schedules", entry.schedule)}><Icon name={icon} /><span class="hide">{text.calendar.kinds[entry.kind]} </span><span class="month-time">{clockOf(entry.at)}</span> <Name>{entry.schedule}</Name></a>
          </li>
        );
      })}
      {of.length > MOST && <li class="quiet">{text.calendar.more(of.length - MOST)}</li>}
    </ul>
  );
}

const columns: Column<Entry>[] = [
  { label: text.calendar.when, cell: (one) => moment(one.at) },
  { label: text.schedules.name, cell: (one) => <a href={at("schedules", one.schedule)}><Name>{one.schedule}</Name></a> },
  { label: text.schedules.state, cell: (one) => text.calendar.kinds[one.kind] },
];
