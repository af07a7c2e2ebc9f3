// The schedules that are due next; how their last runs ended stands apart from when the next ones begin.
import type { Schemas } from "../../api/client";
import { Badge, SaveBadge } from "../../parts/badge";
import { Card } from "../../parts/card";
import { Name } from "../../parts/name";
import { text } from "../../text";
import { moment, zone } from "../../text/format";

const words = text.home;

export function Schedules({ overview }: { overview: Schemas["Overview"] }) {
  const due = overview.due_schedules;
  return (
    <Card title={words.schedules} end={due.length > 0 && <p>{text.timesIn(zone)}</p>} foot={<><span>{overview.more_schedules ? words.first : ""}</span><a href="/schedules">{words.allSchedules}</a></>}>
      {due.length === 0 && <p class="quiet"><small>{words.noSchedules}</small></p>}
      <ul class="list">{due.map((schedule) => (
        <li key={schedule.name}>
          <Badge icon="wait">{words.due}</Badge>
          <div class="list-main">
            <a href={`/schedules/${schedule.name}`}><Name>{schedule.name}</Name></a>
            <span class="sub">{words.saves(schedule.instance, schedule.template)}</span>
            <p>{schedule.last_run ? <>{words.lastRun} <SaveBadge state={schedule.last_run.state} /> {moment(schedule.last_run.began_at)}</> : <span class="quiet">{words.noRun}</span>}</p>
          </div>
          <span class="list-end">{schedule.next_run && <>{words.nextRun}<span class="sub">{moment(schedule.next_run)}</span></>}</span>
        </li>
      ))}</ul>
    </Card>
  );
}
