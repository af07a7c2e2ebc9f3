// What the form of a schedule holds, and what it asks of the API.
import type { Schemas } from "../../api/client";
import { isTemplateName } from "../../parts/names";
import { text } from "../../text";
import { zone } from "../../text/format";
import { type Weekday, choice, expression } from "./cadence";

export interface Values {
  /** The Region and the name, or nothing. */
  instance: string;
  template: string;
  kind: "daily" | "weekly" | "other";
  time: string;
  days: Weekday[];
  expression: string;
  timezone: string;
  keep: string;
  consent: boolean;
}

export function valuesOf(schedule?: Schemas["ScheduleView"]): Values {
  const known = schedule ? choice(schedule.cadence) : undefined;
  return {
    instance: schedule ? `${schedule.request.region}/${schedule.request.instance}` : "",
    template: schedule?.request.template ?? "",
    kind: known?.kind ?? "daily",
    time: known && known.kind !== "other" ? known.time : "03:00",
    days: known?.kind === "weekly" ? known.days : ["MON", "TUE", "WED", "THU", "FRI"],
    expression: known?.kind === "other" ? known.expression : "rate(1 day)",
    timezone: schedule?.timezone ?? zone,
    keep: schedule ? String(schedule.keep ?? "") : "7",
    consent: schedule?.request.publish_sensitive ?? false,
  };
}

/** The Region and the name or ID of the instance. */
export function instanceOf(values: Values): [region: string, name: string] {
  const cut = values.instance.indexOf("/");
  return cut < 0 ? ["", ""] : [values.instance.slice(0, cut), values.instance.slice(cut + 1)];
}

/** What is wrong with each value, if something is. */
export function errorsOf(values: Values) {
  const { template, kind, days, keep } = values;
  return {
    instance: values.instance ? undefined : text.scheduleForm.noInstance,
    template: isTemplateName(template.trim()) ? undefined : text.scheduleForm.badName,
    days: kind === "weekly" && days.length === 0 ? text.scheduleForm.noDays : undefined,
    keep: keep === "" || (Number(keep) >= 1 && Number(keep) <= 100) ? undefined : text.scheduleForm.badKeep,
  };
}

/** The save that each run requests: that of the schedule, if there is one, with what was changed. */
export function requestOf(values: Values, schedule?: Schemas["ScheduleView"]): Schemas["SaveRequest"] {
  const [region, instance] = instanceOf(values);
  return { ...schedule?.request, instance, region, template: values.template.trim(), publish_sensitive: values.consent || undefined };
}

/** When it runs, and how many versions it keeps. */
export function timingOf(values: Values) {
  const { kind, time, days } = values;
  const cadence = expression(kind === "daily" ? { kind, time } : kind === "weekly" ? { kind, time, days } : { kind, expression: values.expression });
  return { cadence, timezone: values.timezone.trim(), keep: values.keep === "" ? null : Number(values.keep) };
}

/** What of a schedule is changed. Consenting again renews the consent, so that it is sent only when it was given. */
export function editOf(values: Values, schedule: Schemas["ScheduleView"]): Schemas["ScheduleEdit"] {
  const [, instance] = instanceOf(values);
  return {
    ...timingOf(values),
    ...(instance !== schedule.request.instance && { instance }),
    ...(values.consent !== (schedule.request.publish_sensitive ?? false) && { publish_sensitive: values.consent }),
  };
}
