// What a deprecation says: since when or from when on, and what to use instead.
import type { Schemas } from "../../api/client";
import { serverNow } from "../../api/clock";
import { Name } from "../../parts/name";
import { Note } from "../../parts/note";
import { at } from "../../parts/place";
import { text } from "../../text";
import { dayUtc } from "../../text/format";
import type { Template, Version } from "./data";

type Deprecated = Pick<Template | Version, "state" | "deprecation">;

/** Whether it counts as deprecated: by its state, or because its end of life has come. */
export function isDeprecated({ state, deprecation }: Deprecated): boolean {
  const end = deprecation?.end_of_life;
  return state === "deprecated" || (end != null && new Date(end) <= serverNow());
}

/** A template or a version, by its name or as name@3. */
function Instead({ to }: { to: Schemas["TemplateRef"] }) {
  const [name = to, version] = to.split("@");
  return <a href={at("templates", name) + (version ? `?version=${encodeURIComponent(version)}` : "")}><Name>{to}</Name></a>;
}

/** What to use instead and the end of life, each in a line. */
export function Outlook({ of: { deprecation } }: { of: Deprecated }) {
  return (
    <>
      {deprecation?.replaced_by && <span class="sub">{text.outlook.useInstead}<Instead to={deprecation.replaced_by} /></span>}
      {deprecation?.end_of_life && <span class="sub">{text.outlook.endOfLife(dayUtc(deprecation.end_of_life))}</span>}
    </>
  );
}

/** In sentences, for whoever is about to launch it. */
export function OutlookNote({ name, of }: { name: string; of: Deprecated }) {
  const { end_of_life: end, replaced_by: instead } = of.deprecation ?? {};
  const isOld = isDeprecated(of);
  if (!isOld && !end) return null;
  return (
    <Note tone="warn">
      <p><b>{isOld ? text.outlook.deprecated(name) : text.outlook.willBe(name, dayUtc(end ?? ""))}</b> {instead ? <>{text.outlook.useInstead}<Instead to={instead} />.</> : text.outlook.useOther}</p>
    </Note>
  );
}
