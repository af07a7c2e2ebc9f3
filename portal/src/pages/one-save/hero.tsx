// The one figure of the page: how long the instance is or was down, with the picture that proves it.
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import type { Schemas } from "../../api/client";
import { FullSignal } from "../../parts/signal/full";
import type { Timeline } from "../../parts/signal/model";
import { text } from "../../text";
import { about, duration, moment, percent, time } from "../../text/format";

const words = text.save;

export function Hero({ save, line }: { save: Schemas["SaveView"]; line: Timeline }) {
  const id = useId();
  const { down, now, over } = line;
  const long = down && down.to - down.from;
  return (
    <section class="card hero" aria-labelledby={id}>
      <div class="hero-top">
        <div>
          <h2 class="hero-label" id={id}>{label(save, line)}</h2>
          {long !== undefined && <Long seconds={long} />}
          <p class="hero-note">{note(save, line)}</p>
        </div>
        <div class="hero-side">
          <Figure label={over ? words.took : words.soFar} value={duration(now)} note={words.began(moment(save.started_at))} />
          {down && <Figure label={words.share} value={percent((100 * (down.to - down.from)) / Math.max(now, 1))} note={words.shareOf(duration(down.to - down.from), duration(now))} />}
          {down?.floor !== undefined && <Figure label={words.floor} value={duration(down.floor)} note={words.floorNote} />}
        </div>
      </div>
      <FullSignal line={line} began={save.started_at} />
    </section>
  );
}

function label(save: Schemas["SaveView"], { down, over }: Timeline): string {
  if (!down) return over || save.plan?.instance.original_state === "stopped" || save.copy_of ? words.notTakenDown : words.notDownYet;
  return down.open ? words.isDown : words.wasDown;
}

function note(save: Schemas["SaveView"], { down, over }: Timeline): ComponentChildren {
  if (!down) {
    const expected = save.plan?.expected_downtime_s;
    return !over && expected ? words.willBeDown(about(expected)) : words.neverDown;
  }
  if (down.open) {
    if (over) return words.seeAbove;
    return down.expected === undefined ? "" : words.expected(about(down.expected - down.from));
  }
  const since = save.running_at ? words.runningSince(time(save.running_at)) : "";
  const against = down.floor === undefined ? "" : words.overFloor(duration(down.own ?? 0), duration(down.floor));
  return [against, since, over ? "" : words.whileYouWork].filter(Boolean).join(" ");
}

/** 51 seconds; 1 min 02 s. */
function Long({ seconds }: { seconds: number }) {
  const whole = Math.round(seconds);
  if (whole < 60) return <span class="hero-value">{whole}<small>{words.seconds(whole)}</small></span>;
  return <span class="hero-value">{Math.floor(whole / 60)}<small>{words.min}</small> {String(whole % 60).padStart(2, "0")}<small>{words.s}</small></span>;
}

function Figure({ label, value, note }: { label: string; value: string; note: string }) {
  return <div><span class="figure-label">{label}</span><span class="figure-value">{value}</span><span class="figure-note">{note}</span></div>;
}
