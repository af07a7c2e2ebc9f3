// With whom a template is shared, in words.
import { Icon, type IconName } from "../../parts/icon";
import { Name } from "../../parts/name";
import { at } from "../../parts/place";
import { text } from "../../text";

const ICONS: Record<string, IconName> = { user: "person", project: "group", account: "group", organization: "group", public: "group" };

/** The kind and the name in `user:ada`. */
export function parts(to: string): [kind: string, name: string] {
  const colon = to.indexOf(":");
  return colon < 0 ? [to, ""] : [to.slice(0, colon), to.slice(colon + 1)];
}

export function GranteeIcon({ to }: { to: string }) {
  return <Icon name={ICONS[parts(to)[0]] ?? "person"} />;
}

export function Grantee({ to }: { to: string }) {
  const [kind, name] = parts(to);
  if (kind === "public") return <b>{text.share.everybody}</b>;
  if (kind === "project") return <a href={at("projects", name)}><Name>{name}</Name></a>;
  return <b><Name mono={kind !== "user"}>{name}</Name></b>;
}

/** What kind of grantee it is. */
export const kindOf = (to: string) => (text.share.kindOf as Record<string, string>)[parts(to)[0]] ?? "";

/** For labels and titles. */
export function spoken(to: string): string {
  const [kind, name] = parts(to);
  if (kind === "public") return text.share.everybody;
  if (kind === "colleagues") return text.share.colleagues;
  return text.share.spoken(kind, name);
}
