// The end of an instance: in a few words for a list, and as a plan of what happens when.
import type { ComponentChildren } from "preact";
import { text } from "../../text";
import { about, dated, moment, money, zone } from "../../text/format";
import { Name } from "../name";
import { Note } from "../note";
import { at as path } from "../place";
import type { End, EndAhead } from "./values";

const words = text.ends;
/** What is farther away than this, in seconds, is named by its day alone. */
const NEAR_S = 48 * 3600;

/** When it ends, how far that has got, and what stands in its way. */
export function EndState({ end, now }: { end: End; now: Date }) {
  return (
    <>
      <State end={end} now={now} />
      {end.last_save && end.state !== "saving" && !end.save_failure && <span class="sub"><LastSave end={end} /></span>}
      {end.of_project && <span class="sub">{words.ofProject}</span>}
      {end.save_failure && <span class="sub text-warn" dir="auto">{words.saveFailed(end.save_failure)}</span>}
      {end.refusal && end.state !== "ended" && <span class="sub text-warn" dir="auto">{words.refused(end.refusal)}</span>}
    </>
  );
}

function State({ end, now }: { end: End; now: Date }) {
  const { then } = end;
  if (end.state === "ended") return <>{words.ended[then](dated(end.ended_at ?? end.at))}<span class="sub">{words.atItsEnd}</span></>;
  if (end.state === "saving") return <>{end.save_id ? <a href={path("saves", end.save_id)}>{words.saving}</a> : words.saving}<span class="sub">{words.afterwards[then]}</span></>;
  const left = (new Date(end.at).getTime() - now.getTime()) / 1000;
  if (left >= NEAR_S) return <>{words.on[then](moment(end.at))}</>;
  return <>{left <= 0 || end.state === "ending" ? words.due[then] : words.in[then](about(left))}<span class="sub">{moment(end.at)}</span></>;
}

function LastSave({ end: { state, last_save: to, save_id: id } }: { end: End }) {
  const name = <Name>{to ?? ""}</Name>;
  return state === "ahead" ? <>{words.savedFirst}{name}</> : <>{words.savedBefore}{id ? <a href={path("saves", id)}>{name}</a> : name}</>;
}

/** What happens when, to one instance or to several: the warning, the last save, the end, and what it costs until then. */
export function EndPlan({ end, now, perHour, several }: { end: EndAhead; now: Date; perHour?: number | null; several?: boolean }) {
  const said = several ? words.each : words;
  const left = (new Date(end.at).getTime() - now.getTime()) / 1000;
  const warned = new Date(new Date(end.at).getTime() - end.warn_minutes * 60_000);
  return (
    <>
      <div>
        <span class="figure-label">{said.planned[end.then]}</span>
        <span class="figure-value">{moment(end.at)}</span>
        <span class="figure-note">{words.away(about(left))} {text.timesIn(zone)}</span>
      </div>
      <dl class="facts">
        <Fact name={words.warning}>{warned > now ? said.warnedAt(moment(warned)) : said.warnedNow}</Fact>
        {end.last_save && <Fact name={words.lastSave}>{words.savedTo}<Name>{end.last_save}</Name><span class="sub">{words.savedHow}</span></Fact>}
        {end.last_save && <Fact name={words.ifFails}>{words.failed[end.then]}</Fact>}
        {perHour != null && perHour > 0 && <Fact name={words.cost}>{words.costs(money((perHour * Math.max(0, left)) / 3600), money(perHour))}</Fact>}
      </dl>
      {end.then === "terminate" && !end.last_save && <Note tone="warn"><p><b>{text.instances.forGood}</b> {words.notSaved}</p></Note>}
    </>
  );
}

export function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return <div><dt>{name}</dt><dd>{children}</dd></div>;
}
