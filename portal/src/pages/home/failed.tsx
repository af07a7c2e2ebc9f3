// What needs somebody: saves that failed or left an instance stopped, and schedules that missed runs.
import type { Schemas } from "../../api/client";
import { Badge, SaveBadge } from "../../parts/badge";
import { Card } from "../../parts/card";
import { Name } from "../../parts/name";
import { text } from "../../text";
import { when } from "../../text/format";

const words = text.home;

export function Failed({ saves, missed }: { saves: Schemas["SaveView"][]; missed: Schemas["DueSchedule"][] }) {
  if (saves.length + missed.length === 0) return null;
  return (
    <Card title={words.needsYou}>
      <ul class="list">
        {saves.map((save) => (
          <li key={save.save_id}>
            <SaveBadge state={save.state} />
            <div class="list-main">
              <a href={`/saves/${save.save_id}`}><Name>{save.plan?.instance.name ?? save.request.instance}</Name></a>
              <span class="sub">{save.schedule ? words.bySchedule(save.schedule) : words.asTemplate(save.request.template)}</span>
              {save.failure && <p>{save.failure.message}</p>}
              <p><a class="button" href={`/saves/${save.save_id}`}>{words.whatToDo}</a></p>
            </div>
            <span class="list-end quiet">{when(save.ended_at ?? save.started_at)}</span>
          </li>
        ))}
        {missed.map((schedule) => (
          <li key={schedule.name}>
            <Badge icon="warn" tone="warn">{words.missed}</Badge>
            <div class="list-main">
              <a href={`/schedules/${schedule.name}`}><Name>{schedule.name}</Name></a>
              <p>{words.missedRuns(schedule.missed)}</p>
            </div>
            <span class="list-end quiet">{schedule.last_run && when(schedule.last_run.began_at)}</span>
          </li>
        ))}
      </ul>
    </Card>
  );
}
